import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Fault, FaultMoment } from "./faults.ts";
import { makeFirmware, sha256 } from "./firmware.ts";
import { ask, getText, RawClient, requestText } from "./raw-client.ts";
import { type DeviceServer, startDeviceServer } from "./server.ts";
import { manualTime } from "./time.ts";

let server: DeviceServer;
const clients: RawClient[] = [];
beforeEach(async () => {
  server = await startDeviceServer();
});
afterEach(async () => {
  for (const client of clients.splice(0)) await client[Symbol.asyncDispose]();
  await server.close();
});

function client(): RawClient {
  const one = new RawClient(server.url);
  clients.push(one);
  return one;
}

const script = (on: FaultMoment, fault: Fault) => server.script({ on, fault });
const image = makeFirmware({ version: "2.0.0", length: 1000 });
const wholeUpdate = Buffer.concat([Buffer.from(requestText("/update", "", image.length)), image]);
const update = () => ask(`${server.url}/update`, { method: "POST", body: image });
const version = () => ask(`${server.url}/version`);

/** The connection still answers: whatever happened on it left it usable. */
async function stillServes(one: RawClient): Promise<void> {
  one.text = "";
  one.send(getText("/health"));
  await one.until('{"status":"ok"}');
}

describe("cuts", () => {
  test.each([
    ["headers", 0],
    [0, 0],
    [1, 1],
    [500, 500],
    [999, 999],
  ] as const)("at %s the device has %i bytes", async (at, bytes) => {
    for (const ending of ["rst", "fin"] as const) {
      script("update", { kind: "cut", at, ending });
      const received = once(server.device, "received");
      const one = client().send(wholeUpdate);
      expect(await one.ended).toBe(ending);
      one.socket.destroy();
      expect((await received)[0]).toMatchObject({ bytes, complete: false, sha256: sha256(image.subarray(0, bytes)) });
      expect(one.text).toBe("");
    }
    expect(server.device).toMatchObject({ version: "1.0.0", staged: false });
  });

  test("received: everything came, nothing was installed or answered", async () => {
    script("update", { kind: "cut", at: "received" });
    const one = client().send(wholeUpdate);
    expect(await one.ended).toBe("rst");
    expect(one.text).toBe("");
    expect(server.device.received[0]).toMatchObject({ complete: true, outcome: "discarded", sha256: sha256(image) });
    expect(server.device.version).toBe("1.0.0");
  });

  test("installed: the answer alone is lost", async () => {
    script("update", { kind: "cut", at: "installed", ending: "fin" });
    const one = client().send(wholeUpdate);
    expect(await one.ended).toBe("fin");
    expect(one.text).toBe("");
    expect(server.device).toMatchObject({ version: "2.0.0", slot: "B" });
  });

  test("in the answer, at its very byte", async () => {
    script("update", { kind: "cut", at: { reply: 20 }, ending: "fin" });
    const one = client().send(wholeUpdate);
    expect(await one.ended).toBe("fin");
    expect(one.text).toBe("HTTP/1.1 200 OK\r\ncon");
    expect(server.device.version).toBe("2.0.0");
  });

  test("a cut order does nothing", async () => {
    await using trial = await startDeviceServer({ trial: true });
    await ask(`${trial.url}/update`, { method: "POST", body: image });
    for (const at of ["headers", "received", 0] as const) {
      trial.script({ on: "commit", fault: { kind: "cut", at } });
      await expect(ask(`${trial.url}/commit`, { method: "POST" })).rejects.toMatchObject({ code: "ECONNRESET" });
    }
    expect(trial.device.onTrial).toBe(true);
  });
});

describe("statuses", () => {
  test("after the body, with headers and a body of its own", async () => {
    script("update", { kind: "status", status: 503, headers: { "retry-after": "7" }, body: "busy" });
    expect(await update()).toMatchObject({ status: 503, text: "busy", headers: { "retry-after": "7" } });
    expect(server.device).toMatchObject({ version: "1.0.0", staged: false });
  });

  test("although it was installed", async () => {
    script("update", { kind: "status", status: 500, installs: true });
    expect((await update()).status).toBe(500);
    expect(server.device.version).toBe("2.0.0");
    expect(server.device.received[0]?.outcome).toBe("installed");
  });

  test.each([0, 400])("early, at byte %i, while the rest is still to come", async (afterBytes) => {
    for (const installs of [false, true]) {
      script("update", { kind: "status", status: 200, afterBytes, installs });
      const one = client().send(wholeUpdate.subarray(0, wholeUpdate.length - image.length + afterBytes));
      await one.until('{"scripted":200}');
      expect(server.device.version).toBe("1.0.0");
      one.send(image.subarray(afterBytes));
      await stillServes(one);
      expect(server.device.received.at(-1)).toMatchObject({ complete: true, sha256: sha256(image) });
      expect(server.device.version).toBe(installs ? "2.0.0" : "1.0.0");
    }
  });

  test.each(["fin", "rst"] as const)("early, and then a %s", async (afterwards) => {
    script("update", { kind: "status", status: 413, afterBytes: 10, afterwards });
    // No more than is read, so that the reset cannot overtake the answer.
    const one = client().send(requestText("/update", "0123456789", 1000));
    expect(await one.ended).toBe(afterwards);
    if (afterwards === "fin") expect(one.text).toMatch(/^HTTP\/1\.1 413 /);
  });

  test("early, and then it reads no further", async () => {
    script("update", { kind: "status", status: 200, afterBytes: 10, afterwards: "hold" });
    const one = client().send(requestText("/update", "0123456789", 1000));
    await one.until("scripted");
    one.send("x".repeat(990));
    expect((await version()).status).toBe(200);
    expect(server.device.counters.bytesReceived).toBe(10);
  });

  test("early, without asking for the body first", async () => {
    script("update", { kind: "status", status: 401, afterBytes: 0 });
    const one = client();
    one.send("POST /update HTTP/1.1\r\nhost: d\r\ncontent-length: 5\r\nexpect: 100-continue\r\n\r\n");
    await one.until('{"scripted":401}');
    expect(one.text).toMatch(/^HTTP\/1\.1 401 /);
  });

  test("late, and then a FIN", async () => {
    script("version", { kind: "status", status: 500, afterwards: "fin" });
    const one = client().send(getText("/version"));
    expect(await one.ended).toBe("fin");
    expect(one.text).toMatch(/^HTTP\/1\.1 500 /);
  });
});

describe("lies", () => {
  test("a lying 200 installs nothing", async () => {
    script("update", { kind: "lying-200" });
    expect(await update()).toMatchObject({ status: 200, json: { state: "installing" } });
    expect((await version()).json).toMatchObject({ version: "1.0.0", slot: "A" });
    expect(server.device.counters.boots).toBe(0);
  });

  test("another version is reported for good, the digest being the truth unless told", async () => {
    script("update", { kind: "wrong-version", version: "6.6.6" });
    await update();
    expect((await version()).json).toMatchObject({ version: "6.6.6", slot: "B", digest: sha256(image) });
    script("update", { kind: "wrong-version", version: "2.0.0", digest: "00" });
    await update();
    expect((await version()).json).toMatchObject({ version: "2.0.0", digest: "00" });
  });

  test("a silent rollback comes after it was seen running", async () => {
    const clock = manualTime();
    await using late = await startDeviceServer({ clock });
    late.script({ on: "update", fault: { kind: "silent-rollback", afterMs: 3000 } });
    await ask(`${late.url}/update`, { method: "POST", body: image });
    const seen = (await ask(`${late.url}/version`)).json;
    clock.advance(3000);
    const then = (await ask(`${late.url}/version`)).json;
    expect([seen["version"], then["version"]]).toEqual(["2.0.0", "1.0.0"]);
    expect(then["bootId"]).not.toBe(seen["bootId"]);
  });

  test("members of a report are changed and removed, once", async () => {
    script("version", { kind: "report", members: { id: "somebody else", bootId: null, uptime: "long" } });
    const { json } = await version();
    expect(json).toMatchObject({ id: "somebody else", uptime: "long", version: "1.0.0" });
    expect(json).not.toHaveProperty("bootId");
    expect((await version()).json).toMatchObject({ id: "sim-001" });
  });

  test("garbage where JSON should be", async () => {
    script("version", { kind: "body", body: '{"version":', type: "application/json" });
    const one = client().send(getText("/version"));
    expect(await one.until('{"version":')).toMatch(/content-type: application\/json\r\ncontent-length: 11\r\n/);
    await stillServes(one);
  });

  test("a redirect", async () => {
    script("update", { kind: "redirect", location: "http://127.0.0.2/else" });
    expect(await update()).toMatchObject({ status: 307, headers: { location: "http://127.0.0.2/else" } });
    script("version", { kind: "redirect", location: "/v", status: 302 });
    expect((await version()).status).toBe(302);
    expect(server.device.version).toBe("1.0.0");
  });

  test("a second answer that nobody asked for", async () => {
    for (const afterMs of [undefined, 5]) {
      script("version", { kind: "poison", ...(afterMs !== undefined && { afterMs }) });
      const one = client().send(getText("/version"));
      await one.until('{"version":"9.9.9"}');
      expect(one.text.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(2);
      expect(one.text.indexOf("1.0.0")).toBeLessThan(one.text.indexOf("9.9.9"));
    }
  });
});
