import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { makeFirmware, type SwupdateDevice, startDeviceServer, startSwupdate } from "../../../mocks/index.ts";
import { until } from "../../../mocks/until.ts";
import {
  type ClientEvent,
  type ClientOptions,
  createClient,
  type Device,
  openArtifact,
  type Profile,
  Secret,
} from "../../index.ts";
import { httpProbe } from "../http/index.ts";
import { type SwupdateOptions, swupdate } from "./index.ts";

const probers = [httpProbe({ health: false })];
const clientFor = (options: SwupdateOptions = {}, more: ClientOptions = {}) =>
  createClient({
    deliveries: [swupdate(options)],
    probers,
    addressPolicy: { permit: ["127.0.0.0/8"] },
    retry: { base: 5, cap: 20, busyBase: 5, quietPeriod: 20 },
    verification: { stableFor: 10, deadline: 2_000 },
    ...more,
  });
const readable = ({ url }: { readonly url: string }): Device => ({ id: "b1", address: url, probe: "http" });
const unread = ({ url }: { readonly url: string }): Device => ({ id: "b1", address: url });
const firmware = () => openArtifact(makeFirmware({ version: "2.0.0", length: 300_000 }), { version: "2.0.0" });

const uploads = (device: SwupdateDevice) => device.control.requests().filter(({ endpoint }) => endpoint === "update");
const restarts = (device: SwupdateDevice) =>
  device.control.requests().filter(({ endpoint }) => endpoint === "activate");

/** Something that listens and does with each connection what it is told. */
async function listening(onSocket: (socket: Socket) => void = () => undefined) {
  const sockets: Socket[] = [];
  let heard = "";
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => undefined);
    socket.on("data", (data) => {
      heard += data.toString("latin1");
    });
    onSocket(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`,
    heard: () => heard,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

describe("what the websocket says decides", () => {
  it("SUCCESS: on to verification", async () => {
    await using device = await startSwupdate();
    await using client = clientFor();
    await using artifact = await firmware();
    const outcome = await client.update(readable(device), artifact);
    expect(outcome).toMatchObject({
      status: "updated",
      attempts: 1,
      receipt: { status: 200, acknowledgedBy: "reply" },
    });
    await until(() => device.listeners === 0);
    expect(uploads(device)[0]?.headers["content-type"]).toMatch(/^multipart\/form-data; boundary=/);
  });

  it.each([
    ["200", "failure", undefined],
    ["a reset in the middle", "unfit", 50_000],
  ] as const)("FAILURE and %s: certain, without a second upload", async (_, ends, at) => {
    await using device = await startSwupdate();
    device.play({ ends, complaint: "bad\u001b[2J\u0000\u202e image" });
    if (at !== undefined) device.script({ on: "update", fault: { kind: "cut", at } });
    await using client = clientFor();
    await using artifact = await firmware();
    const outcome = await client.update(readable(device), artifact);
    expect(outcome).toMatchObject({ status: "failed", attempts: 1, error: { code: "device_error", phase: "settle" } });
    if (outcome.status !== "failed") return;
    expect(outcome.error.reply?.excerpt).toBe("bad [2J  image; Image invalid or corrupted. Not installing ...");
    expect(outcome.error.message).not.toContain("bad");
    expect(uploads(device)).toHaveLength(1);
    expect(await client.inspect(readable(device))).toMatchObject({ version: "1.0.0" });
  });

  it("a push learns of a failure only where the answer does not tell", async () => {
    await using device = await startSwupdate();
    await using client = clientFor();
    await using artifact = await firmware();
    device.play({ ends: "failure" }, { ends: "failure" });
    expect(await client.push(unread(device), artifact)).toMatchObject({ status: 200 });
    device.script({ on: "update", fault: { kind: "cut", at: "installed" } });
    await using hasty = clientFor({}, { retry: { attempts: 1 } });
    await expect(hasty.push(unread(device), artifact)).rejects.toMatchObject({ code: "device_error", phase: "settle" });
  });

  it("SUCCESS and no answer: acknowledged by the verdict, sent once", async () => {
    await using device = await startSwupdate();
    device.script({ on: "update", fault: { kind: "cut", at: "installed" } });
    await using client = clientFor();
    await using artifact = await firmware();
    expect(await client.update(readable(device), artifact)).toMatchObject({
      status: "updated",
      attempts: 1,
      receipt: { status: 0, acknowledgedBy: "verdict" },
    });
    expect(uploads(device)).toHaveLength(1);
  });

  it("cut half-way, and the device gives up on it: sent again", async () => {
    await using device = await startSwupdate();
    device.script({ on: "update", fault: { kind: "cut", at: 100_000 } });
    await using client = clientFor();
    await using artifact = await firmware();
    expect(await client.push(unread(device), artifact)).toMatchObject({ attempts: 2, status: 200 });
    expect(device.control.received().map(({ complete }) => complete)).toEqual([false, true]);
  });

  it.each(["missed", "mute"] as const)("no verdict (%s): what it runs decides", async (ends) => {
    await using device = await startSwupdate({ rebootMs: 50 });
    device.play({ ends });
    await using client = clientFor();
    await using artifact = await firmware();
    expect(await client.update(readable(device), artifact)).toMatchObject({ status: "updated", attempts: 1 });
  });

  it("a verdict that never comes, and the old version: unknown, and nothing is sent again", async () => {
    await using device = await startSwupdate();
    device.play({ ends: "hang" });
    await using client = clientFor({}, { verification: { deadline: 400, stableFor: 10 } });
    await using artifact = await firmware();
    expect(await client.update(readable(device), artifact)).toMatchObject({ status: "unknown", attempts: 1 });
    expect(uploads(device)).toHaveLength(1);
  });

  it("no answer and no verdict, while it is at work: unknown, and nothing is sent again", async () => {
    await using device = await startSwupdate();
    device.play({ ends: "hang" });
    device.script({ on: "update", fault: { kind: "cut", at: "installed" } });
    const timeouts = { connect: 200, response: 300, minimumRate: 10_000_000 };
    await using client = clientFor({}, { timeouts });
    await using artifact = await firmware();
    expect(await client.update(readable(device), artifact)).toMatchObject({
      status: "unknown",
      attempts: 1,
      error: { code: "outcome_unknown" },
    });
    expect(uploads(device)).toHaveLength(1);
  });

  it("how far the install is becomes an event", async () => {
    await using device = await startSwupdate();
    const told: ClientEvent[] = [];
    await using client = clientFor({}, { onEvent: (event) => event.type === "installing" && told.push(event) });
    await using artifact = await firmware();
    expect(await client.update(readable(device), artifact)).toMatchObject({ status: "updated" });
    const at = { type: "installing", device: "b1", step: 1, steps: 1 };
    expect(told).toEqual([0, 50, 100].map((percent) => ({ ...at, percent })));
  });

  it("garbage is passed over", async () => {
    await using device = await startSwupdate();
    await using client = clientFor();
    await using artifact = await firmware();
    const noise = ["{", "", '{"type":"status","status":"SUCCESS"', "[".repeat(5_000), '{"type":"status"}', "\u0000"];
    device.device.on("received", () => noise.forEach(device.say));
    const onProgress = () => noise.forEach(device.say);
    expect(await client.update(readable(device), artifact, { onProgress })).toMatchObject({ status: "updated" });
  });

  it("the caller's signal ends the wait for it", async () => {
    await using device = await startSwupdate();
    device.play({ ends: "hang" });
    await using client = clientFor();
    await using artifact = await firmware();
    const controller = new AbortController();
    device.device.on("received", () => setTimeout(() => controller.abort(), 50));
    const outcome = await client.update(readable(device), artifact, { signal: controller.signal });
    expect(outcome).toMatchObject({ status: "unknown", error: { code: "aborted" } });
    expect(client.statistics()).toMatchObject({ inFlight: 0 });
  });
});

describe("a busy device", () => {
  it("is sent none of the image", async () => {
    await using device = await startSwupdate();
    device.play({ ends: "busy" });
    device.script({
      on: "update",
      fault: { kind: "status", status: 500, body: "Failed to queue command\n", afterBytes: 150, afterwards: "fin" },
    });
    await using client = clientFor({}, { retry: { attempts: 1 } });
    await using artifact = await firmware();
    const push = client.push(unread(device), artifact);
    await expect(push).rejects.toMatchObject({ code: "device_busy", bytesOut: "none" });
    await until(() => device.control.received().length > 0);
    expect(device.control.received()).toMatchObject([{ complete: false, bytes: 0 }]);
  });

  it("is tried again once it may be free", async () => {
    await using device = await startSwupdate();
    device.play({ ends: "busy" });
    await using client = clientFor();
    await using artifact = await firmware();
    expect(await client.push(unread(device), artifact)).toMatchObject({ attempts: 2 });
  });

  it("that was heard at another update is not even asked", async () => {
    await using device = await startSwupdate();
    device.play({ ends: "busy" });
    await using client = clientFor(
      {},
      {
        // Time for the word to arrive before the next attempt.
        retry: { attempts: 3, busyBase: 100, cap: 100 },
        onEvent: (event) => {
          if (event.type === "attempt-failed" && event.attempt === 1) device.say({ type: "status", status: "START" });
        },
      },
    );
    await using artifact = await firmware();
    await expect(client.push(unread(device), artifact)).rejects.toMatchObject({ code: "device_busy", attempt: 3 });
    expect(uploads(device)).toHaveLength(1);
  });
});

describe("the path of the upload", () => {
  it("that alone wants a login is refused before a byte of the image", async () => {
    await using device = await startSwupdate();
    const denied = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    await using guard = await listening((socket) => {
      socket.once("data", (head) => {
        if (head.toString("latin1").startsWith("POST")) return socket.end(denied);
        const { hostname, port } = new URL(device.url);
        const way = connect(Number(port), hostname);
        way.write(head);
        way.pipe(socket).pipe(way);
        way.on("error", () => socket.destroy());
        return undefined;
      });
    });
    await using client = clientFor();
    await using artifact = await firmware();
    const push = client.push(unread(guard), artifact);
    await expect(push).rejects.toMatchObject({ code: "refused", attempt: 1, reply: { status: 401 } });
    // The head of the form is all that follows the request's own.
    expect(guard.heard().split("POST ")[1]?.length).toBeLessThan(1_000);
  });

  const asked = ({ control }: SwupdateDevice) => control.requests().filter(({ method }) => method === "GET").length;

  it.each<readonly [string, SwupdateOptions, object, number]>([
    ["SWUpdate's own is not asked for: the websocket has shown it", {}, {}, 1],
    ["another is asked for before anything is sent", {}, { profile: { send: { path: "/upload?slot=b" } } }, 2],
    ["SWUpdate's own is asked for where the websocket is elsewhere", { channel: "/ws?all" }, {}, 2],
  ])("%s", async (_, options, changes, gets) => {
    await using device = await startSwupdate();
    await using client = clientFor(options);
    await using artifact = await firmware();
    await client.push({ ...unread(device), ...changes }, artifact);
    expect(asked(device)).toBe(gets);
    expect(uploads(device)).toHaveLength(1);
  });
});

describe("a restart on request", () => {
  it("comes after the verdict, for a push and for an update", async () => {
    await using device = await startSwupdate({ activation: "on-request" });
    await using client = clientFor({ restart: true });
    await using artifact = await firmware();
    expect(await client.push(unread(device), artifact, { activate: false })).toMatchObject({ activated: false });
    expect(restarts(device)).toHaveLength(0);
    expect(await client.push(unread(device), artifact)).toMatchObject({ activated: true });
    expect(restarts(device)).toHaveLength(1);
    expect(restarts(device)[0]?.headers["content-length"]).toBe("0");
    expect(await client.update(readable(device), artifact)).toMatchObject({ status: "skipped" });
    const forced = await client.update(readable(device), artifact, { force: true });
    expect(forced).toMatchObject({ receipt: { activated: true } });
    expect(restarts(device)).toHaveLength(2);
  });

  it.each(["missed", "failure"] as const)("is withheld without SUCCESS (%s)", async (ends) => {
    await using device = await startSwupdate({ activation: "on-request" });
    device.play({ ends });
    await using client = clientFor({ restart: true });
    await using artifact = await firmware();
    const code = ends === "failure" ? "device_error" : "outcome_unknown";
    await expect(client.push(unread(device), artifact)).rejects.toMatchObject({ code });
    expect(restarts(device)).toHaveLength(0);
  });
});

describe("a login", () => {
  const login = { username: "operator", password: "correct horse" };
  it("is shown to the websocket, the upload, the restart and the probe", async () => {
    await using device = await startSwupdate({ login, activation: "on-request" });
    const credentials = () => ({ username: login.username, password: new Secret(login.password) });
    await using client = clientFor({ restart: true }, { credentials });
    await using artifact = await firmware();
    expect(await client.update(readable(device), artifact)).toMatchObject({
      status: "updated",
      evidence: { identity: "credential" },
    });
    expect(uploads(device)).toHaveLength(1);
  });

  it("is not shown to another port of the device, where it is read", async () => {
    await using device = await startSwupdate({ login });
    await using reader = await startDeviceServer({ version: "7.0.0" });
    const credentials = () => ({ username: login.username, password: new Secret(login.password) });
    await using client = clientFor({}, { credentials, probers: [httpProbe()] });
    const port = Number(new URL(reader.url).port);
    const read = (where: Profile) => client.inspect({ ...readable(device), profile: { ...where, options } });
    // Sent unasked, wherever it may go.
    const options = { auth: "basic" };
    expect(await read({ inspect: { port } })).toMatchObject({ version: "7.0.0", identity: "address" });
    await using artifact = await openArtifact(makeFirmware({ version: "7.0.0", length: 9_000 }), { version: "7.0.0" });
    const profile = { inspect: { port }, health: { port }, options };
    await client.verify({ ...readable(device), profile }, artifact);
    const asked = reader.control.requests();
    expect(new Set(asked.map(({ endpoint }) => endpoint))).toEqual(new Set(["version", "health"]));
    expect(asked.filter(({ headers }) => "authorization" in headers)).toEqual([]);
    await expect(read({})).rejects.toMatchObject({ reply: { status: 401 } });
    expect(device.control.requests().map(({ headers }) => "authorization" in headers)).toEqual([true]);
    for (const wrong of [0, 65_536, 1.5, "80"]) {
      const asked = read({ inspect: { port: wrong as number } });
      await expect(asked).rejects.toMatchObject({
        code: "invalid_profile",
        message: expect.stringContaining("inspect.port must be a port"),
      });
    }
  });

  it.each([
    ["wrong", { username: "operator", password: new Secret("wrong") }],
    ["missing", undefined],
  ])("that is %s is told before anything is sent", async (_, given) => {
    await using device = await startSwupdate({ login });
    await using client = clientFor({}, { credentials: () => given });
    await using artifact = await firmware();
    const push = client.push(unread(device), artifact);
    await expect(push).rejects.toMatchObject({ code: "refused", bytesOut: "none", reply: { status: 401 } });
    expect(uploads(device)).toHaveLength(0);
  });
});

describe("what is no SWUpdate", () => {
  it("is told before anything is sent: a device of another kind, a wrong path", async () => {
    await using other = await startDeviceServer();
    await using device = await startSwupdate();
    await using client = clientFor();
    await using artifact = await firmware();
    const refused = { code: "refused", bytesOut: "none", attempt: 1, reply: { status: 404 } };
    await expect(client.push(unread(other), artifact)).rejects.toMatchObject(refused);
    const lost = { ...unread(device), profile: { send: { path: "/upload2" } } };
    await expect(client.push(lost, artifact)).rejects.toMatchObject(refused);
    const deaf = { ...unread(other), profile: { options: { channel: "/version" } } };
    await expect(client.push(deaf, artifact)).rejects.toMatchObject({ code: "unsupported", bytesOut: "none" });
    expect(other.control.received()).toEqual([]);
    expect(uploads(device)).toHaveLength(0);
    expect(await client.inspect(readable(other))).toMatchObject({ version: "1.0.0" });
  });

  it.each<readonly [string, (socket: Socket) => void, string]>([
    ["never opens its websocket", () => undefined, "response_timeout"],
    ["hangs up on it", (socket) => socket.once("data", () => socket.destroy()), "connection_lost"],
    ["speaks something else", (socket) => socket.write("220 mail ready\r\n"), "malformed_reply"],
  ])("where it %s, it is asked again and sent nothing", async (_, behave, code) => {
    await using server = await listening(behave);
    await using client = clientFor({}, { retry: { attempts: 2, base: 5 }, timeouts: { response: 100 } });
    await using artifact = await firmware();
    const push = client.push(unread(server), artifact);
    await expect(push).rejects.toMatchObject({ code, phase: "connect", bytesOut: "none", attempt: 2 });
    expect(server.heard()).not.toContain("POST");
  });

  it("cannot be updated without a probe", async () => {
    await using device = await startSwupdate();
    await using client = clientFor();
    await using artifact = await firmware();
    const outcome = await client.update(unread(device), artifact);
    expect(outcome).toMatchObject({ status: "failed", attempts: 0, error: { code: "no_probe" } });
    expect(device.control.counters().connections).toBe(0);
  });
});

describe("a profile", () => {
  it.each<readonly [object, RegExp]>([
    [{ channel: "ws" }, /^channel must be an absolute path/],
    [{ channel: "http://evil/ws" }, /^channel must be/],
    [{ restart: "yes" }, /^restart must be true or false/],
    [{ auth: "kerberos" }, /^auth must be one of/],
    [{ field: "file" }, /^the profile knows no "field"/],
    [{ commit: { path: "/c" } }, /^the profile knows no "commit"/],
    [{ options: { restart: 1 } }, /^options.restart must be true or false/],
    [{ options: { field: "file" } }, /^options knows no "field"/],
    [{ send: { method: "PUT" } }, /^send.method must be one of POST/],
    [{ send: { path: "/a b" } }, /^send.path cannot be sent/],
    [{ send: { form: { a: "b" } } }, /^send knows no "form"/],
    [{ activate: { checks: {} } }, /^activate knows no "checks"/],
  ])("%j is refused", (options, message) => {
    expect(() => swupdate(options as SwupdateOptions)).toThrow(
      expect.objectContaining({ code: "invalid_profile", message: expect.stringMatching(message) }),
    );
  });

  it("is taken whole by swupdate() too: its options hold, its reading is the probe's", async () => {
    await using device = await startSwupdate({ activation: "on-request" });
    await using client = clientFor({ options: { restart: true }, inspect: { path: "/nowhere" }, health: false });
    await using artifact = await firmware();
    const outcome = await client.update(readable(device), artifact);
    expect(outcome).toMatchObject({ status: "updated", receipt: { activated: true } });
    expect(restarts(device)).toHaveLength(1);
  });

  it("of a device changes the options field by field, and leaves reading to the probe", async () => {
    await using device = await startSwupdate({ activation: "on-request" });
    await using client = clientFor({ send: { headers: { "x-site": "a" } } });
    await using artifact = await firmware();
    const profile = { options: { restart: true }, inspect: { path: "/version" }, activate: { query: { now: "1" } } };
    const outcome = await client.update({ ...readable(device), profile }, artifact);
    expect(outcome).toMatchObject({ status: "updated", receipt: { activated: true } });
    expect(uploads(device)[0]?.headers).toMatchObject({ "x-site": "a" });
    expect(restarts(device)[0]?.path).toBe("/restart?now=1");
    const bad = { ...unread(device), profile: { options: { restarts: true } } };
    await expect(client.push(bad, artifact)).rejects.toMatchObject({ code: "invalid_profile" });
  });
});
