import { hash } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { beforeAll, describe, expect, it } from "vitest";
import { createCertificateAuthority, makeFirmware, startDeviceServer } from "../mocks/index.ts";
import { run } from "../src/cli/run.suite.ts";
import { http } from "../src/delivery/http/index.ts";
import { createClient, openArtifact, Secret } from "../src/index.ts";
import { openSqliteRegistry } from "../src/registry/sqlite/index.ts";
import { asDevice, failure, fastClient, witness } from "./kit.ts";
import { liveTests } from "./live-tests.ts";

const root = dirname(import.meta.dirname);
const version = "2.0.0";
const image = makeFirmware({ version, length: 300_000 });

async function listen(answer: RequestListener): Promise<{ readonly server: Server; readonly url: string }> {
  const server = createServer(answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

describe("every row of the threat table in SECURITY.md", () => {
  const page = readFileSync(join(root, "SECURITY.md"), "utf8");
  const [, table = ""] = /\| threat \|.*\n\|[-|]+\n((?:\|.*\n)+)/.exec(page) ?? [];
  const rows = table
    .trimEnd()
    .split("\n")
    .map((line) =>
      line
        .split(/(?<!\\)\|/)
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );

  it("is there", () => expect(rows.length).toBeGreaterThanOrEqual(12));

  const namesOf = (tests: string) =>
    [...tests.matchAll(/`([^`]+)`: ([^;]+)/g)].map(([, file = "", title = ""]) => [file, title.trim()] as const);
  let live: Awaited<ReturnType<typeof liveTests>>;
  beforeAll(async () => {
    live = await liveTests(
      root,
      rows.flatMap(([, , tests = ""]) => namesOf(tests).map(([file]) => file)),
    );
  });

  it.each(rows)("%s", (_threat, _defence, tests = "") => {
    const named = namesOf(tests);
    expect(named.length, "tests that prove it").toBeGreaterThan(0);
    expect(named.filter(([file, title]) => live.get(file)?.has(title) !== true)).toEqual([]);
  });

  it("has tests that run: none that is skipped, to do, a comment, other text or called otherwise", async () => {
    const folder = mkdtempSync(join(tmpdir(), "flashwave-threats-"));
    try {
      writeFileSync(
        join(folder, "some.test.ts"),
        `import { describe, it } from "vitest";
        // it("a comment", () => {});
        const text = 'it("other text", () => {})';
        it.skip("skipped", () => {});
        it("skipped by an option", { skip: true }, () => {});
        it.skipIf(true)("skipped on a condition", () => {});
        it.todo("to do");
        describe.skip("a skipped group", () => { it("in it", () => {}); });
        it("renamed", () => {});
        describe("a group", () => { it.each([1, 2])("runs with %i", { timeout: 1 }, async () => {}); });`,
      );
      writeFileSync(join(folder, "only.test.ts"), 'it.only("this one", () => {}); it("not this one", () => {});');
      expect([...(await liveTests(folder, ["some.test.ts"]))]).toEqual([
        ["some.test.ts", new Set(["renamed", "runs with %i", "a group"])],
      ]);
      expect((await liveTests(folder, ["only.test.ts"])).get("only.test.ts")).toEqual(new Set(["this one"]));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("another device at the address", () => {
  it("two devices that changed places are told apart before a byte of the artifact leaves, by their id", async () => {
    await using one = await startDeviceServer({ id: "pos-001" });
    await using two = await startDeviceServer({ id: "pos-002" });
    await using client = fastClient();
    await using artifact = await openArtifact(image, { version });
    for (const [id, { url }] of [
      ["pos-001", two],
      ["pos-002", one],
    ] as const) {
      const outcome = await client.update({ id, address: url, profile: witness }, artifact);
      expect(outcome).toMatchObject({ status: "failed", error: { code: "wrong_device" } });
    }
    for (const { device } of [one, two]) expect(device.counters.requests.update).toBe(0);
  });

  it("two devices that changed places are told apart before anything is asked, by their pins", async () => {
    const authority = createCertificateAuthority();
    const certificates = [authority.issue(), authority.issue()] as const;
    await using one = await startDeviceServer({ id: "pos-001", tls: certificates[0] });
    await using two = await startDeviceServer({ id: "pos-002", tls: certificates[1] });
    await using client = fastClient({ retry: { attempts: 1 } });
    await using artifact = await openArtifact(image, { version });
    for (const [{ pin }, { url }] of [
      [certificates[0], two],
      [certificates[1], one],
    ] as const) {
      const device = { ...asDevice({ id: "pos", url }), pins: [pin] };
      expect(await failure(() => client.push(device, artifact))).toMatchObject({ code: "pin_mismatch" });
    }
    for (const { device } of [one, two]) expect(device.requests).toEqual([]);
  });
});

describe("a redirect", () => {
  it.each([301, 302, 303, 307, 308])("%i shows neither login nor artifact to whom it leads", async (status) => {
    const thief = await listen((_, answer) => answer.end("{}"));
    let stolen = 0;
    thief.server.on("request", () => stolen++);
    const device = await listen((request, answer) => {
      request.resume().on("end", () => answer.writeHead(status, { location: `${thief.url}/steal` }).end());
    });
    try {
      for (const credentials of [
        async () => ({ token: new Secret("canary") }),
        async () => ({ username: "admin", password: new Secret("canary") }),
      ]) {
        await using client = fastClient({ credentials, deliveries: [http({ options: { auth: "auto" } })] });
        await using artifact = await openArtifact(image, { version });
        const target = { id: "pos-001", address: device.url };
        for (const call of [() => client.push(target, artifact), () => client.inspect(target)])
          expect(await failure(call)).toMatchObject({ code: "redirected" });
      }
      expect(stolen).toBe(0);
    } finally {
      thief.server.close();
      device.server.close();
    }
  });
});

describe("what a device calls itself and says", () => {
  const naughty = "\u001b[2J\u001b]0;owned\u0007\u009b31m\u202e\u2028\u0000\r";
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  const steering = /[\0-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2028\u2029\u2066-\u2069]/;

  it("steers no terminal through the command line, not even where its own words are asked for", async () => {
    const device = await listen((request, answer) => {
      request.resume().on("end", () => {
        if (request.method === "GET") answer.end(JSON.stringify({ version: `1.0${naughty}` }));
        else answer.writeHead(403, { server: "x\u009b31m" }).end(`no ${naughty} way`);
      });
    });
    const folder = mkdtempSync(join(tmpdir(), "flashwave-threats-"));
    try {
      const file = join(folder, "fw.bin");
      writeFileSync(file, image);
      const to = ["--to", `pos-1=${device.url}`];
      for (const args of [
        ["inspect", ...to],
        ["push", file, ...to, "--attempts", "1", "--device-words"],
        ["update", file, ...to, "--attempts", "1", "--firmware-version", version, "--json"],
      ]) {
        const { code, out, err } = await run(args);
        expect(code, args.join(" ")).not.toBe(0);
        expect(out + err).toMatch(/pos-1/);
        expect(out + err).not.toMatch(steering);
      }
    } finally {
      device.server.close();
      rmSync(folder, { recursive: true });
    }
  });
});

describe("a database that somebody else wrote to", () => {
  it("leads to no file outside of the artifacts' folder, and to no other address", async () => {
    const folder = mkdtempSync(join(tmpdir(), "flashwave-threats-"));
    const file = join(folder, "fleet.db");
    const bystander = join(folder, "bystander");
    writeFileSync(bystander, "untouched");
    try {
      await using artifact = await openArtifact(image, { version });
      {
        await using registry = await openSqliteRegistry(file);
        await registry.devices.put([{ id: "pos-001", address: "http://10.0.0.12", tags: ["a"] }]);
        await registry.artifacts.put(artifact);
      }
      const database = new DatabaseSync(file);
      database.exec("UPDATE artifact SET file = '../bystander'");
      database.exec(`UPDATE device SET rest = '{"address":"http://169.254.169.254","__proto__":{"address":"x"}}'`);
      database.close();
      await using registry = await openSqliteRegistry(file);
      expect((await registry.devices.getMany(["pos-001"])).get("pos-001")?.address).toBe("http://10.0.0.12");
      for (const call of [
        () => registry.artifacts.open(artifact.digest),
        () => registry.artifacts.remove(artifact.digest),
      ])
        expect(await failure(call)).toMatchObject({ code: "registry_failed" });
      expect(readFileSync(bystander, "utf8")).toBe("untouched");
      await using client = createClient({ registry });
      expect(await failure(() => client.inspect("pos-404"))).toMatchObject({ code: "unknown_device" });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("reads and writes nothing through a symbolic link in an artifact's place", async () => {
    const folder = mkdtempSync(join(tmpdir(), "flashwave-threats-"));
    const file = join(folder, "fleet.db");
    const bystander = join(folder, "bystander");
    const other = makeFirmware({ version, length: 300_000, seed: 7 });
    writeFileSync(bystander, other);
    try {
      await using artifact = await openArtifact(image, { version });
      await using registry = await openSqliteRegistry(file);
      await registry.artifacts.put(artifact);
      const kept = () => readdirSync(`${file}.artifacts`).map((name) => join(`${file}.artifacts`, name));
      const [place = ""] = kept();
      rmSync(place);
      symlinkSync(bystander, place);
      // Not even one byte of it is believed, by a registry that has yet to read it or by one that put it.
      await using later = await openSqliteRegistry(file);
      expect(await failure(() => later.artifacts.open(artifact.digest))).toMatchObject({ code: "artifact_changed" });
      await using server = await startDeviceServer({ id: "pos-001" });
      await using client = fastClient();
      await using opened = await registry.artifacts.open(artifact.digest);
      const push = () => client.push({ id: "pos-001", address: server.url }, opened);
      expect(await failure(push)).toMatchObject({ code: "artifact_changed" });
      expect(server.device.counters.bytesReceived).toBe(0);
      expect(await registry.artifacts.remove(artifact.digest)).toBe(true);
      expect(kept()).toEqual([]);
      expect(readFileSync(bystander).equals(other)).toBe(true);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("has no device sent other bytes than an artifact's digest says, though file and row were forged to match", async () => {
    const folder = mkdtempSync(join(tmpdir(), "flashwave-threats-"));
    const file = join(folder, "fleet.db");
    const evil = makeFirmware({ version, length: 300_000, seed: 7 });
    const table = [evil.subarray(0, 262_144), evil.subarray(262_144)].map((block) => hash("sha256", block, "buffer"));
    try {
      await using genuine = await openArtifact(makeFirmware({ version, length: 300_000 }), { version });
      await using registry = await openSqliteRegistry(file);
      await registry.artifacts.put(genuine);
      await using opened = await registry.artifacts.open(genuine.digest);
      const [name = ""] = readdirSync(`${file}.artifacts`);
      writeFileSync(join(`${file}.artifacts`, name), evil);
      const database = new DatabaseSync(file);
      database.prepare("UPDATE artifact SET blocks = ?").run(Buffer.concat(table));
      database.close();
      await using server = await startDeviceServer({ id: "pos-001" });
      await using client = fastClient();
      // Opened before: each block is held against the table of then. Opened after: not at all.
      const device = { id: "pos-001", address: server.url };
      expect(await failure(() => client.push(device, opened))).toMatchObject({ code: "artifact_changed" });
      await using other = await openSqliteRegistry(file);
      for (const { artifacts } of [registry, other]) {
        expect(await failure(() => artifacts.open(genuine.digest))).toMatchObject({ code: "artifact_digest_mismatch" });
      }
      expect(server.device.counters).toMatchObject({ completed: 0, bytesReceived: 0 });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
