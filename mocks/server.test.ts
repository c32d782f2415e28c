import { once } from "node:events";
import { request } from "node:http";
import { expect, test } from "vitest";
import { makeFirmware, sha256 } from "./firmware.ts";
import { ask, getText, RawClient, requestText } from "./raw-client.ts";
import { startDeviceServer } from "./server.ts";
import { manualTime } from "./time.ts";

const image = makeFirmware({ version: "2.0.0", length: 300_000 });
const update = (url: string, body: Uint8Array | string = image, headers = {}) =>
  ask(`${url}/update`, { method: "POST", body, headers });

test("an update is hashed, installed and reported, and its record says what came", async () => {
  await using server = await startDeviceServer({ id: "pos-1", name: "till" });
  const before = await ask(`${server.url}/version`);
  expect(before.json).toMatchObject({ version: "1.0.0", id: "pos-1", name: "till", slot: "A" });

  const answer = await update(server.url, image, { "X-Custom": "yes" });
  expect(answer).toMatchObject({
    status: 200,
    json: { state: "installing", bytes: image.length, sha256: sha256(image) },
  });
  const after = await ask(`${server.url}/version`);
  expect(after.json).toMatchObject({ version: "2.0.0", slot: "B", digest: sha256(image) });
  expect(after.json["bootId"]).not.toBe(before.json["bootId"]);

  expect(server.device.received).toHaveLength(1);
  expect(server.device.received[0]).toMatchObject({
    method: "POST",
    path: "/update",
    bytes: image.length,
    sha256: sha256(image),
    complete: true,
    outcome: "installed",
    firmware: { version: "2.0.0", intact: true },
  });
  expect(server.device.received[0]?.headers["x-custom"]).toBe("yes");
  expect(server.device.counters).toMatchObject({
    requests: { update: 1, version: 2 },
    connections: 3,
    boots: 1,
    bytesReceived: image.length,
  });
});

test("a chunked PUT of plain bytes takes its version from the header", async () => {
  await using server = await startDeviceServer();
  const sent = request(`${server.url}/update`, {
    method: "PUT",
    headers: { "x-firmware-version": "7.0.0" },
    agent: false,
  });
  sent.write("22 bytes, ");
  sent.end("no firmware!");
  const [reply] = await once(sent, "response");
  reply.resume();
  expect(reply.statusCode).toBe(200);
  expect(server.device).toMatchObject({ version: "7.0.0", digest: sha256("22 bytes, no firmware!") });
});

test("a corrupt image is refused and changes nothing", async () => {
  await using server = await startDeviceServer();
  const bent = Buffer.from(image);
  bent.writeUInt8(bent.readUInt8(200_000) ^ 1, 200_000);
  expect((await update(server.url, bent)).status).toBe(422);
  expect(server.device).toMatchObject({ version: "1.0.0", staged: false });
  expect(server.device.received[0]).toMatchObject({ outcome: "refused", complete: true, firmware: { intact: false } });
});

test.each(["reset", "refuse"] as const)(
  "nobody gets in while it restarts (%s), and everybody after",
  async (whileRebooting) => {
    const clock = manualTime();
    await using server = await startDeviceServer({ rebootMs: 1000, whileRebooting, clock });
    await using idle = new RawClient(server.url);
    idle.send(getText("/version"));
    await idle.until('"slot":"A"');
    expect((await update(server.url)).status).toBe(200);
    await idle.ended;
    const code = whileRebooting === "reset" ? "ECONNRESET" : "ECONNREFUSED";
    await expect(ask(`${server.url}/version`)).rejects.toMatchObject({ code });
    expect(server.device.counters.turnedAway).toBe(whileRebooting === "reset" ? 1 : 0);
    clock.advance(1000);
    await server.listening;
    expect((await ask(`${server.url}/version`)).json).toMatchObject({ version: "2.0.0", slot: "B" });
  },
);

test("activation on request: staged, refused twice, activated", async () => {
  await using server = await startDeviceServer({ activation: "on-request" });
  const order = (path: string) => ask(server.url + path, { method: "POST" });
  expect((await order("/activate")).status).toBe(409);
  expect((await update(server.url)).json).toMatchObject({ state: "staged" });
  expect(server.device).toMatchObject({ version: "1.0.0", staged: true });
  expect(server.device.received[0]?.outcome).toBe("staged");
  expect((await order("/activate")).status).toBe(200);
  expect(server.device).toMatchObject({ version: "2.0.0", staged: false });
  expect((await order("/activate")).status).toBe(409);
});

test("a trial is committed, twice without harm, or rolled back", async () => {
  await using server = await startDeviceServer({ trial: true });
  const order = (path: string) => ask(server.url + path, { method: "POST" });
  expect((await order("/rollback")).status).toBe(409);
  await update(server.url);
  expect(server.device.onTrial).toBe(true);
  expect((await order("/commit")).json).toEqual({ state: "committed" });
  expect((await order("/commit")).status).toBe(200);
  expect(server.device.onTrial).toBe(false);
  expect((await order("/rollback")).status).toBe(200);
  expect(server.device.version).toBe("1.0.0");
  await using plain = await startDeviceServer();
  expect((await ask(`${plain.url}/commit`, { method: "POST" })).status).toBe(404);
});

test("health, wrong methods, unknown paths and paths of its own", async () => {
  await using server = await startDeviceServer({ paths: { version: "/api/v1/info" } });
  expect(await ask(`${server.url}/health`)).toMatchObject({ status: 200, json: { status: "ok" } });
  server.device.health = "failing";
  expect(await ask(`${server.url}/health`)).toMatchObject({ status: 503, json: { status: "failing" } });
  expect(await ask(`${server.url}/update`)).toMatchObject({ status: 405, headers: { allow: "POST, PUT" } });
  expect((await ask(`${server.url}/version`)).status).toBe(404);
  expect((await ask(`${server.url}/api/v1/info?x=1`)).json).toMatchObject({ version: "1.0.0" });
  expect(await ask(`${server.url}/api/v1/info`, { method: "HEAD" })).toMatchObject({ status: 200, text: "" });
});

test("one connection carries many requests, also when they come all at once", async () => {
  await using server = await startDeviceServer();
  await using client = new RawClient(server.url);
  client.send(getText("/health") + requestText("/update", "hello") + getText("/version"));
  await client.until(/"ok"[\s\S]*"installing"[\s\S]*"digest"/);
  expect(server.device.counters).toMatchObject({ connections: 1, requests: { update: 1, version: 1, health: 1 } });
  expect(server.device.requests.map((seen) => seen.connection)).toEqual([1, 1, 1]);
  expect(server.open).toBe(1);
});

test("what comes before the last answer has left waits, however much it is", async () => {
  const clock = manualTime();
  await using server = await startDeviceServer({
    clock,
    script: [{ on: "version", fault: { kind: "delay", ms: 10 } }],
  });
  await using client = new RawClient(server.url);
  const large = makeFirmware({ version: "3.0.0", length: 8_000_000 });
  client.send(getText("/version") + requestText("/update", "", large.length)).send(large);
  await expect.poll(() => server.device.counters.requests.version).toBe(1);
  expect([client.text, server.device.counters.requests.update]).toEqual(["", 0]);
  clock.advance(10);
  await client.until(sha256(large));
  expect(server.device.version).toBe("3.0.0");
});

test("asked to close, it closes; asked to continue, it continues", async () => {
  await using server = await startDeviceServer();
  await using closing = new RawClient(server.url);
  closing.send("GET /version HTTP/1.1\r\nhost: d\r\nconnection: close\r\n\r\n");
  expect(await closing.ended).toBe("fin");
  expect(closing.text).toMatch(/connection: close\r\n[\s\S]*"version"/);
  await using waiting = new RawClient(server.url);
  waiting.send("POST /update HTTP/1.1\r\nhost: d\r\ncontent-length: 5\r\nexpect: 100-continue\r\n\r\n");
  await waiting.until("HTTP/1.1 100 Continue\r\n\r\n");
  waiting.send("hello");
  await waiting.until('"bytes":5');
});

test("a malformed request is counted, answered 400 and the end of its connection", async () => {
  await using server = await startDeviceServer();
  await using client = new RawClient(server.url);
  client.send("GET /version HTTP/1.1\r\nhost: d\r\nx y: z\r\n\r\n");
  expect(await client.ended).toBe("fin");
  expect(client.text).toMatch(/^HTTP\/1\.1 400 /);
  expect(server.device.counters).toMatchObject({ malformed: 1, requests: { version: 0 } });
});

test("a sender that dies half-way leaves a record of what came", async () => {
  await using server = await startDeviceServer();
  const client = new RawClient(server.url);
  const received = once(server.device, "received");
  client.send(requestText("/update", "half", 100));
  await expect.poll(() => server.device.counters.bytesReceived).toBe(4);
  await client[Symbol.asyncDispose]();
  expect((await received)[0]).toMatchObject({
    bytes: 4,
    sha256: sha256("half"),
    complete: false,
    outcome: "incomplete",
  });
  expect(server.device.version).toBe("1.0.0");
});

test("the admin routes read and script a device, uncounted and unspoilt", async () => {
  await using server = await startDeviceServer();
  const admin = (path: string, body?: unknown) =>
    ask(`${server.url}/_sim/${path}`, body === undefined ? {} : { method: "POST", body: JSON.stringify(body) });
  const script = [{ on: "any", times: null, fault: { kind: "status", status: 418 } }];
  expect((await admin("script", script)).status).toBe(200);
  expect((await admin("script", { on: "version", fault: { kind: "lying-200" } })).status).toBe(400);
  expect((await admin("script", "[")).status).toBe(400);
  expect((await ask(`${server.url}/version`)).status).toBe(418);
  expect((await admin("counters")).json).toMatchObject({ counters: { requests: { version: 1, other: 0 } } });
  expect((await admin("requests")).json).toMatchObject({ requests: [{ path: "/version" }] });
  await admin("health", "failing");
  await admin("reboot", {});
  await admin("reset", {});
  expect((await ask(`${server.url}/health`)).status).toBe(503);
  expect((await admin("state")).json).toMatchObject({ state: { version: "1.0.0", health: "failing", staged: false } });
  expect((await admin("received")).json).toEqual({ received: [] });
  expect((await admin("nothing")).status).toBe(404);
  expect((await admin("nothing", {})).status).toBe(404);
});

test("it can refuse connections and accept them again, at the same port", async () => {
  await using server = await startDeviceServer();
  server.refuse();
  await expect(ask(`${server.url}/version`)).rejects.toMatchObject({ code: "ECONNREFUSED" });
  await server.accept();
  expect((await ask(`${server.url}/version`)).status).toBe(200);
});

test("fail-next, always-fail and reset", async () => {
  await using server = await startDeviceServer();
  server.failNext(2, 503);
  const statuses = async (count: number) => {
    const all: number[] = [];
    for (let i = 0; i < count; i++) all.push((await update(server.url, "x")).status);
    return all;
  };
  expect(await statuses(3)).toEqual([503, 503, 200]);
  server.alwaysFail();
  expect(await statuses(3)).toEqual([500, 500, 500]);
  expect(server.device.received.map((one) => one.outcome)).toEqual([
    "discarded",
    "discarded",
    "installed",
    "discarded",
    "discarded",
    "discarded",
  ]);
  server.reset();
  expect(await statuses(1)).toEqual([200]);
  expect(server.device.counters.requests.update).toBe(1);
});

test("it listens on loopback only, and a closed one is gone with its connections", async () => {
  await expect(startDeviceServer({ host: "0.0.0.0" })).rejects.toThrow(RangeError);
  await expect(startDeviceServer({ host: "::" })).rejects.toThrow(RangeError);
  const server = await startDeviceServer({ host: "127.5.6.7" });
  await using client = new RawClient(server.url);
  client.send(getText("/version"));
  await client.until("version");
  await server.close();
  await client.ended;
  expect(server.open).toBe(0);
  await expect(ask(`${server.url}/version`)).rejects.toMatchObject({ code: "ECONNREFUSED" });
  await server.close();
});
