import { fork } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type FirmwareFile, makeFirmware, startProxy, startTusDevice, writeFirmware } from "../mocks/index.ts";
import { until } from "../mocks/until.ts";
import { type TusOptions, tus } from "../src/delivery/tus/index.ts";
import { type ClientEvent, type ClientOptions, openArtifact, type ResumeToken } from "../src/index.ts";
import { fastClient } from "./kit.ts";
import { startTusServer, type TusServer, type TusServerOptions } from "./peers/tus-server.ts";

const mib = 1_048_576;
let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "flashwave-tus-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const serve = (options: Omit<TusServerOptions, "directory"> = {}): Promise<TusServer> =>
  startTusServer({ directory: join(directory, "store"), ...options });
const firmware = (length = 3 * mib): Promise<FirmwareFile> =>
  writeFirmware(join(directory, "fw.bin"), { version: "2.0.0", length });
const clientFor = (options: TusOptions = {}, more: ClientOptions = {}) =>
  fastClient({ deliveries: [tus({ health: false, ...options })], ...more });
const at = (url: string) => ({ id: "pos-001", address: url });
const methodsOf = async (server: TusServer) => (await server.requests()).map(({ method }) => method);

describe("the tus project's own server", () => {
  it.each([
    ["one PATCH", {}, ["OPTIONS", "POST", "PATCH"]],
    ["parts", { chunkBytes: mib }, ["OPTIONS", "POST", "PATCH", "PATCH", "PATCH"]],
    ["the creation", { createWithUpload: true }, ["OPTIONS", "POST"]],
    ["the creation and parts", { createWithUpload: true, chunkBytes: mib }, ["OPTIONS", "POST", "PATCH", "PATCH"]],
  ] as const)("takes an update by %s, and is seen running it", async (_how, options, methods) => {
    await using server = await serve();
    const file = await firmware();
    await using client = clientFor(options);
    await using artifact = await openArtifact(file.path, { version: "2.0.0" });
    const outcome = await client.update(at(server.url), artifact);
    expect(outcome).toMatchObject({
      status: "updated",
      receipt: { bytes: 3 * mib, attempts: 1, remoteId: expect.stringMatching(/^\/files\/[\da-f]{32}$/) },
      evidence: { version: "2.0.0", newBoot: "seen" },
    });
    expect(await server.stored()).toEqual([{ bytes: 3 * mib, sha256: file.digest }]);
    expect(await methodsOf(server)).toEqual(methods);
    // It advertises no checksums, and would ignore them in silence.
    const headers = (await server.requests()).flatMap((request) => Object.keys(request.headers));
    expect(headers).not.toContain("upload-checksum");
  });

  it.each([
    ["a creation that was all of it: 200, no Location", { createWithUpload: true }],
    ["a last PATCH: 200 with a body", {}],
  ])("ends %s, by its owner's hook", async (_what, options) => {
    await using server = await serve({ finish: { status_code: 200, body: '{"flashed":true}' } });
    const file = await firmware();
    await using client = clientFor(options);
    await using artifact = await openArtifact(file.path, { version: "2.0.0" });
    const receipt = await client.push(at(server.url), artifact);
    expect(receipt).toMatchObject({ status: 200, bytes: 3 * mib, attempts: 1 });
    expect("remoteId" in receipt).toBe(!("createWithUpload" in options));
    expect(await server.stored()).toEqual([{ bytes: 3 * mib, sha256: file.digest }]);
  });

  it("names its uploads by a path, and they are terminated there", async () => {
    await using server = await serve({ relativeLocation: true });
    const file = await firmware();
    await using proxy = await startProxy({ to: server.port, cuts: [mib] });
    await using client = clientFor();
    await using artifact = await openArtifact(file.path, { version: "2.0.0" });
    const stop = new AbortController();
    const tokens: ResumeToken[] = [];
    const onResumable = (token: ResumeToken) => {
      tokens.push(token);
      if (tokens.length === 2) stop.abort();
    };
    const options = { onResumable, signal: stop.signal };
    await expect(client.push(at(proxy.url), artifact, options)).rejects.toMatchObject({ code: "aborted" });
    expect(await server.stored()).toHaveLength(1);
    for (let times = 0; times < 2; times++) await client.discard(at(proxy.url), tokens[1] as ResumeToken);
    expect(await server.stored()).toEqual([]);
  });

  it("is told an artifact that it would not take before the first byte", async () => {
    await using server = await serve({ maxSize: 3 * mib - 1 });
    const file = await firmware();
    await using client = clientFor();
    await using artifact = await openArtifact(file.path, { version: "2.0.0" });
    await expect(client.push(at(server.url), artifact)).rejects.toMatchObject({ code: "artifact_too_large" });
    expect(await methodsOf(server)).toEqual(["OPTIONS"]);
  });

  it.each([
    ["http://127.0.0.1:1/files/1", "redirected"],
    ["https://evil.example/files/1", "redirected"],
    ["/files/../admin/1", "invalid_path"],
  ] as const)("is not followed to %s", async (location, code) => {
    await using server = await serve({ location });
    const file = await firmware();
    await using client = clientFor();
    await using artifact = await openArtifact(file.path, { version: "2.0.0" });
    await expect(client.push(at(server.url), artifact)).rejects.toMatchObject({ code, bytesOut: "none" });
    expect(await methodsOf(server)).toEqual(["OPTIONS", "POST"]);
  });

  it("is no tus endpoint elsewhere than at its own", async () => {
    await using server = await serve();
    const file = await firmware();
    await using artifact = await openArtifact(file.path, { version: "2.0.0" });
    await using elsewhere = clientFor({ send: { path: "/version" } });
    await expect(elsewhere.push(at(server.url), artifact)).rejects.toMatchObject({ code: "unsupported" });
    expect(await server.requests()).toEqual([]);
    expect(await elsewhere.inspect(at(server.url))).toMatchObject({ version: "1.0.0" });
  });
});

describe("an upload that broke goes on where it was", () => {
  it("costs little more than its bytes when it is cut five times", async () => {
    const length = 100_000_000;
    await using server = await serve();
    const cuts = [7, 21, 48, 66, 93].map((percent) => (length / 100) * percent);
    await using proxy = await startProxy({ to: server.port, cuts });
    const file = await firmware(length);
    const events: ClientEvent[] = [];
    await using client = clientFor({}, { onEvent: (event) => events.push(event) });
    await using artifact = await openArtifact(file.path, { version: "2.0.0", cacheBytes: 0 });
    // No faster than the line, as on any real one: else what is thrown away at a cut is as much as a kernel buffers.
    const outcome = await client.update(at(proxy.url), artifact, { bytesPerSecond: 20_000_000 });
    expect(outcome).toMatchObject({ status: "updated", attempts: 6 });
    expect(await server.stored()).toEqual([{ bytes: length, sha256: file.digest }]);
    const { up, held, cut, connections } = proxy.counters();
    const sent = up + held;
    console.log(`100 MB cut ${cut} times: ${sent} bytes sent (${held} held), ${(sent / length).toFixed(4)} of its own`);
    // One for each part, and one for what proves.
    expect({ cut, connections }).toEqual({ cut: 5, connections: 7 });
    expect(sent / length).toBeLessThan(1.02);
    // More cuts than attempts: each got further, so none was the last.
    expect(events.filter(({ type }) => type === "attempt-failed")).toHaveLength(5);
  }, 120_000);

  it.each([
    ["one PATCH", "0"],
    ["parts", String(mib)],
  ])(
    "also in another process, after kill -9 in the middle of %s",
    async (_how, chunkBytes) => {
      const length = 40_000_000;
      await using server = await serve();
      await using proxy = await startProxy({ to: server.port });
      const file = await firmware(length);
      const kept = join(directory, "token.json");
      const first = sender([file.path, proxy.url, kept, "20000000", chunkBytes]);
      await until(() => proxy.counters().up > 8_000_000 && existsSync(kept));
      first.child.kill("SIGKILL");
      expect(await first.exited).toEqual([null, "SIGKILL"]);
      const token: ResumeToken = JSON.parse(await readFile(kept, "utf8"));
      expect(token).toMatchObject({
        delivery: "tus",
        device: "pos-001",
        origin: proxy.url,
        digest: file.digest,
        length,
      });
      const before = proxy.counters().up;
      expect(before).toBeLessThan(length);
      const second = sender([file.path, proxy.url, kept, "", chunkBytes]);
      const [{ receipt, resumed }] = (await once(second.child, "message")) as [Record<string, unknown>];
      expect(await second.exited).toEqual([0, null]);
      expect(receipt).toMatchObject({ bytes: length, attempts: 1, acknowledgedBy: "reply" });
      expect(resumed).toBe(token.offset);
      expect(await server.stored()).toEqual([{ bytes: length, sha256: file.digest }]);
      const { up } = proxy.counters();
      console.log(`40 MB, killed after ${before} bytes: ${up} bytes sent, ${(up / length).toFixed(4)} of its own`);
      expect(up / length).toBeLessThan(1.02);
      expect(existsSync(kept)).toBe(false);
    },
    60_000,
  );

  it("begins anew when it has expired meanwhile, and says so", async () => {
    await using server = await serve({ expiresAfter: 1_000 });
    await using proxy = await startProxy({ to: server.port, cuts: [mib] });
    const file = await firmware();
    const events: ClientEvent[] = [];
    await using client = clientFor(
      {},
      { onEvent: (event) => events.push(event), retry: { base: 3_000, cap: 3_000 }, random: () => 0.5 },
    );
    await using artifact = await openArtifact(file.path, { version: "2.0.0" });
    const tokens: ResumeToken[] = [];
    const outcome = await client.update(at(proxy.url), artifact, { onResumable: (token) => void tokens.push(token) });
    expect(outcome).toMatchObject({ status: "updated", attempts: 3 });
    const codes = events.flatMap((event) => (event.type === "attempt-failed" ? [event.error.code] : []));
    expect(codes).toEqual(["connection_lost", "upload_gone"]);
    expect(new Set(tokens.map(({ state }) => state["upload"])).size).toBe(2);
    expect((await server.stored()).map(({ sha256 }) => sha256)).toContain(file.digest);
  });

  it("is read back, not sent again, when the answer to its last byte was lost and the server forgot it", async () => {
    await using device = await startTusDevice({ extensions: ["creation"] });
    device.script({ on: "update", fault: { kind: "cut", at: "installed" } });
    await using client = clientFor();
    await using artifact = await openArtifact(makeFirmware({ version: "2.0.0", length: mib }), { version: "2.0.0" });
    device.device.once("booted", () => device.expire());
    expect(await client.update({ id: "sim-001", address: device.url }, artifact)).toMatchObject({
      status: "updated",
      receipt: { acknowledgedBy: "readback" },
    });
    expect(device.control.counters().requests.update).toBe(1);
  });
});

describe("checksums", () => {
  const corrupting = async (checksum: boolean) => {
    await using device = await startTusDevice();
    await using proxy = await startProxy({ to: device.port, flips: [5_000_000] });
    await using client = clientFor({ checksum });
    const image = makeFirmware({ version: "2.0.0", length: 9_000_000 });
    await using artifact = await openArtifact(image, { version: "2.0.0" });
    const receipt = await client.push({ id: "sim-001", address: proxy.url }, artifact);
    const [upload] = device.uploads();
    return { attempts: receipt.attempts, right: upload?.sha256 === artifact.digest, up: proxy.counters().up };
  };

  it("have the part that was spoilt on its way sent again, and that part alone", async () => {
    const { attempts, right, up } = await corrupting(true);
    expect({ attempts, right }).toEqual({ attempts: 2, right: true });
    expect(up).toBeLessThan(9_000_000 + 4_194_304 + 10_000);
  });

  it("are what tells in time: without them all of a wrong image is there before the device looks at it", async () => {
    await expect(corrupting(false)).rejects.toMatchObject({ code: "refused", reply: { status: 422 } });
  });
});

function sender(args: readonly string[]) {
  const child = fork(join(import.meta.dirname, "tus-sender.ts"), args, { execArgv: [] });
  return { child, exited: once(child, "exit") };
}
