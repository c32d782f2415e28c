import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createCertificateAuthority, type FirmwareFile, startDeviceServer, writeFirmware } from "../../mocks/index.ts";
import manifest from "../../package.json" with { type: "json" };
import { run, runHere } from "./run.suite.ts";

const main = join(import.meta.dirname, "main.ts");
/** A verification that ends soon, since these devices restart at once. */
const hasty = ["--deadline", "1s", "--stable-for", "50ms"];

let directory: string;
let firmware: FirmwareFile;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "flashwave-cli-"));
  firmware = await writeFirmware(join(directory, "fw.bin"), { version: "2.0.0", length: 300_000 });
});

afterAll(() => rm(directory, { recursive: true }));

/** Within this process: what is looked at is what a command does and says, not how it starts and ends. */
const flashwave = (...args: readonly string[]) => runHere(args);
/** As its users do, for one of each ending: it must end by itself, so nothing may be left open. */
const asProcess = (...args: readonly string[]) => run(args);

const updateArgs = (...args: readonly string[]) => [
  "update",
  firmware.path,
  ...["--firmware-version", "2.0.0"],
  ...hasty,
  ...args,
];
const update = (...args: readonly string[]) => flashwave(...updateArgs(...args));

describe("flashwave", () => {
  it("updates devices, and proves it: 0", async () => {
    await using first = await startDeviceServer({ id: "a" });
    await using second = await startDeviceServer({ id: "b" });
    const { code, out, err } = await asProcess(...updateArgs("--to", `till=${first.url}`, second.url));
    expect({ code, err }).toEqual({ code: 0, err: expect.stringContaining(firmware.digest) });
    expect(out).toMatch(/^till +updated +runs 2\.0\.0, proved by version, new boot, healthy \(1 attempt, /m);
    expect(out).toMatch(/^2 devices in .*: 2 updated\.$/m);
    for (const { device } of [first, second]) expect(device.received).toMatchObject([{ sha256: firmware.digest }]);
  });

  it("leaves a device alone that runs the artifact, unless forced to", async () => {
    await using server = await startDeviceServer({ version: "2.0.0" });
    const { code, out } = await update("--to", server.url);
    expect({ code, out }).toEqual({ code: 0, out: expect.stringContaining("skipped") });
    expect(server.device.received).toEqual([]);
    expect(await update("--force", "--to", server.url)).toMatchObject({ code: 0 });
    expect(server.device.received).toHaveLength(1);
  });

  it("pushes, then verifies, then inspects", async () => {
    await using server = await startDeviceServer();
    const pushed = await flashwave("push", firmware.path, "--to", server.url);
    expect(pushed).toMatchObject({ code: 0, out: expect.stringContaining("acknowledged, nothing proven") });
    const verified = await flashwave(
      "verify",
      firmware.path,
      "--firmware-version",
      "2.0.0",
      ...hasty,
      "--to",
      server.url,
    );
    expect(verified).toMatchObject({ code: 0, out: expect.stringContaining("verified  runs 2.0.0") });
    const inspected = await flashwave("inspect", "--to", server.url);
    expect(inspected).toMatchObject({ code: 0, out: expect.stringContaining("runs 2.0.0"), err: "" });
    expect(server.device.received).toHaveLength(1);
  });

  it("says who refused: 3", async () => {
    await using server = await startDeviceServer();
    server.failNext(1, 413);
    const { code, out } = await update("--to", `till=${server.url}`);
    expect({ code, out }).toEqual({ code: 3, out: expect.stringMatching(/^till +failed +refused: .*413/) });
  });

  it("says of whom nobody knows: 4, and not less because others failed", async () => {
    await using mute = await startDeviceServer({
      script: [{ on: "version", times: Number.POSITIVE_INFINITY, fault: { kind: "body", body: "garbage" } }],
    });
    await using away = await startDeviceServer();
    await away.close();
    const to = ["--to", `mute=${mute.url}`, `away=${away.url}`];
    const { code, out } = await flashwave("verify", firmware.path, "--firmware-version", "2.0.0", ...hasty, ...to);
    expect(code).toBe(4);
    expect(out).toMatch(/^Unknown, to be read before anything is sent again: .*mute/m);
  });

  it("believes no 200: 5, and not less because others failed", async () => {
    await using liar = await startDeviceServer({ script: [{ on: "update", fault: { kind: "lying-200" } }] });
    await using refuser = await startDeviceServer();
    refuser.failNext(1, 413);
    const { code, out } = await asProcess(...updateArgs("--to", `liar=${liar.url}`, `refuser=${refuser.url}`));
    expect(code).toBe(5);
    expect(out).toMatch(/^liar +failed +not_updated: /m);
    expect(out).toMatch(/^2 devices in .*: 2 failed\.$/m);
  });

  it("prints one JSON document per device, and nothing beside it when quiet", async () => {
    await using good = await startDeviceServer();
    await using bad = await startDeviceServer();
    bad.failNext(1, 413);
    const args = updateArgs("--json", "--quiet", "--to", `good=${good.url}`, `bad=${bad.url}`);
    const { code, out, err } = await asProcess(...args);
    expect({ code, err }).toEqual({ code: 3, err: "" });
    const documents = out.trimEnd().split("\n");
    const outcomes = documents.map((line) => JSON.parse(line)).toSorted((a, b) => a.device.localeCompare(b.device));
    expect(outcomes).toMatchObject([
      { device: "bad", status: "failed", error: { code: "refused", phase: "send", status: 413 } },
      { device: "good", status: "updated", artifact: { digest: firmware.digest }, evidence: { version: "2.0.0" } },
    ]);
  });

  it("keeps what devices report from moving the terminal", async () => {
    const tricks = ["\u001b", "\u009b", "\u202e", "\u2028"];
    const version = `9.9${tricks.join("2J")}`;
    await using server = await startDeviceServer({ version });
    for (const extra of [[], ["--json"]]) {
      const { out, err } = await flashwave("inspect", "--to", `sly=${server.url}`, ...extra);
      expect(out + err).toContain("sly");
      for (const trick of tricks) expect(out + err).not.toContain(trick);
    }
  });

  it("speaks TLS with the files and pins it is given", async () => {
    const authority = createCertificateAuthority();
    const own = authority.issue();
    const client = authority.issue({ use: "client", name: "operator" });
    await using server = await startDeviceServer({ tls: { ...own, ca: authority.cert } });
    const path = (name: string) => join(directory, name);
    await writeFile(path("ca.pem"), authority.cert);
    await writeFile(path("client.pem"), client.cert);
    await writeFile(path("client.key"), client.key);
    const files = ["--ca", path("ca.pem"), "--cert", path("client.pem"), "--key", path("client.key")];
    expect(await flashwave("inspect", ...files, "--pin", own.pin, "--to", server.url)).toMatchObject({ code: 0 });
    const other = await flashwave("inspect", ...files, "--pin", client.pin, "--to", server.url);
    expect(other).toMatchObject({ code: 3, out: expect.stringContaining("pin_mismatch") });
  });

  it("never shows what a header holds", async () => {
    const canary = "canary-7f3a9c";
    const header = ["--header", `Authorization: Bearer ${canary}`];
    await using good = await startDeviceServer();
    await using bad = await startDeviceServer();
    bad.failNext(9, 413);
    const runs = [
      await update(...header, "--to", good.url, bad.url),
      await update(...header, "--json", "--to", good.url, bad.url),
      await update("--header", `no colon ${canary}`, "--to", good.url),
      await update("--header", `X-Key: ${canary}\n`, "--header", `X-Key: ${canary}`, "--to", good.url),
      await update("--header", "Authorization:", "Bearer", canary, "--to", good.url),
      await update("--to", `http://user:${canary}@127.0.0.1`),
    ];
    expect(good.device.requests.at(0)?.headers["authorization"]).toBe(`Bearer ${canary}`);
    expect(runs.map(({ code }) => code)).toEqual([3, 3, 2, 2, 2, 2]);
    for (const { out, err } of runs) expect(out + err).not.toContain(canary);
  });
});

describe("interrupted", () => {
  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("by %s, tells what is known, and who is not: %i", async (signal, code) => {
    await using held = await startDeviceServer({ script: [{ on: "update", fault: { kind: "blackhole" } }] });
    await using good = await startDeviceServer();
    const args = [
      firmware.path,
      "--firmware-version",
      "2.0.0",
      ...hasty,
      "--to",
      `good=${good.url}`,
      `held=${held.url}`,
    ];
    const child = spawn(process.execPath, [main, "update", ...args]);
    let out = "";
    let err = "";
    child.stderr.on("data", (chunk) => {
      err += chunk;
    });
    const settled = new Promise<void>((resolve) => {
      child.stdout.on("data", (chunk) => {
        out += chunk;
        if (/good +updated/.test(out)) resolve();
      });
    });
    const received = once(held.device, "received");
    const closed = once(child, "close");
    await Promise.all([settled, received]);
    child.kill(signal);
    expect(await closed).toEqual([code, null]);
    expect(err).toContain(code === 143 ? "Terminated" : "Interrupted");
    expect(out).toMatch(/^held +unknown +/m);
    expect(out).toMatch(/^Unknown, to be read before anything is sent again: held$/m);
  });
});

describe("usage", () => {
  it.each<[string, RegExp, (address: string) => readonly string[]]>([
    ["no device", /--to/, () => ["inspect"]],
    ["no artifact", /artifact/, (to) => ["push", "--to", to]],
    ["an artifact that is not there", /could not be read/, (to) => ["push", "/nowhere/fw.bin", "--to", to]],
    ["another digest", /SHA-256/, (to) => ["push", firmware.path, "--digest", "0".repeat(64), "--to", to]],
    ["no version to prove", /--firmware-version/, (to) => ["update", firmware.path, "--to", to]],
    ["an option that is none", /--frob/, (to) => ["inspect", "--frob", "--to", to]],
    ["a command that is none", /frobnicate/, (to) => ["frobnicate", "--to", to]],
    [
      "a duration that is none",
      /--deadline/,
      (to) => ["verify", firmware.path, "--firmware-version", "2", "--deadline", "soon", "--to", to],
    ],
    ["an address that is none", /address/i, (to) => ["inspect", "--to", to, "ftp://127.0.0.1"]],
    ["a file of certificates that is not there", /--ca/, (to) => ["inspect", "--ca", "/nowhere/ca.pem", "--to", to]],
  ])("%s: one sentence, 2, and nothing is sent", async (_, sentence, args) => {
    await using server = await startDeviceServer();
    const { code, out, err } = await flashwave(...args(server.url));
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toMatch(sentence);
    expect(err.trimEnd().split("\n")).toHaveLength(1);
    expect(server.device.requests).toEqual([]);
  });

  it("ends as a process does: 2", async () =>
    expect(await asProcess("inspect", "--frob")).toMatchObject({
      code: 2,
      out: "",
      err: expect.stringMatching(/^flashwave: .*--frob.*\n$/),
    }));

  it("names its version, on a Node that is new enough", async () => {
    expect(await asProcess("--version")).toEqual({ code: 0, out: `${manifest.version}\n`, err: "" });
    const old = "data:text/javascript,Object.defineProperty(process,'versions',{value:{node:'22.1.0'}})";
    const refused = new Promise((resolve) => {
      execFile(process.execPath, ["--import", old, main, "--version"], (error, out, err) =>
        resolve({ code: error?.code, out, err }),
      );
    });
    expect(await refused).toEqual({ code: 2, out: "", err: expect.stringContaining("Node 24 or newer") });
  });
});
