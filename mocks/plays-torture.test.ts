import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Fault, FaultMoment } from "./faults.ts";
import { makeFirmware, sha256 } from "./firmware.ts";
import { malformedReplies } from "./malformed.ts";
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
const forever = Number.POSITIVE_INFINITY;
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

describe("silence and slowness", () => {
  test("a delayed answer is right, and installs at its end", async () => {
    script("update", { kind: "delay", ms: 20 });
    const one = client().send(wholeUpdate);
    await once(server.device, "received");
    expect([one.text, server.device.version]).toEqual(["", "1.0.0"]);
    await one.until('"state":"installing"');
    expect(server.device.version).toBe("2.0.0");
  });

  test("a sender that leaves during the delay does not keep the device from installing", async () => {
    script("update", { kind: "delay", ms: 60_000 });
    const one = client().send(wholeUpdate);
    await once(server.device, "received");
    const booted = once(server.device, "booted");
    one.socket.destroy();
    await booted;
    expect(server.device.version).toBe("2.0.0");
  });

  test.each([true, false])("a black hole reads all and says nothing; installs: %s", async (installs) => {
    script("update", { kind: "blackhole", installs });
    const one = client().send(wholeUpdate);
    const [received] = await once(server.device, "received");
    expect(received).toMatchObject({ complete: true, outcome: installs ? "installed" : "discarded" });
    expect((await version()).json["version"]).toBe(installs ? "2.0.0" : "1.0.0");
    expect(one.text).toBe("");
    await expect.poll(() => server.open).toBe(1);
    expect(one.socket.readyState).toBe("open");
  });

  test("held, it reads nothing more", async () => {
    script("update", { kind: "hold" });
    const one = client().send(wholeUpdate);
    await expect.poll(() => server.device.counters.requests.update).toBe(1);
    await version();
    expect(server.device.counters.bytesReceived).toBe(0);
    expect(one.text).toBe("");
  });

  test("a reader that stops at a byte stops at that byte, and may go on", async () => {
    script("update", { kind: "slow-reader", stopAt: 600 });
    script("update", { kind: "slow-reader", stopAt: 600, stopMs: 10 });
    client().send(wholeUpdate);
    await expect.poll(() => server.device.counters.bytesReceived).toBe(600);
    await version();
    expect(server.device.counters.bytesReceived).toBe(600);
    expect((await update()).status).toBe(200);
    expect(server.device.received).toHaveLength(1);
    expect(server.device.received[0]?.sha256).toBe(sha256(image));
  });

  test("a slow reader pauses after each piece and gets all of it right", async () => {
    script("update", { kind: "slow-reader", bytesPerSecond: 20_000_000 });
    const large = makeFirmware({ version: "3.0.0", length: 1_000_000 });
    expect((await ask(`${server.url}/update`, { method: "POST", body: large })).status).toBe(200);
    expect(server.device).toMatchObject({ version: "3.0.0", digest: sha256(large) });
  });

  test("slowness ends with its request", async () => {
    const clock = manualTime();
    await using slow = await startDeviceServer({ clock });
    slow.script({ on: "update", fault: { kind: "slow-reader", bytesPerSecond: 1 } });
    await using one = new RawClient(slow.url);
    one.send(wholeUpdate);
    await one.until("installing");
    one.send(getText("/version"));
    clock.advance(10_000_000);
    await one.until('"version":"2.0.0"');
    await stillServes(one);
  });

  test.each(["body", "all"] as const)("drips its answer, %s", async (part) => {
    script("health", { kind: "drip", everyMs: 1, part });
    const one = client();
    let pieces = 0;
    one.socket.on("more", () => pieces++);
    one.send(getText("/health"));
    await one.until('{"status":"ok"}');
    expect(pieces).toBeGreaterThan(part === "all" ? 30 : 5);
    await stillServes(one);
  });

  test("what it would do at the end of an endless drip, it does when the sender leaves", async () => {
    script("update", { kind: "drip", everyMs: 60_000 });
    const one = client().send(wholeUpdate);
    await one.until("\r\n\r\n");
    expect(server.device.version).toBe("1.0.0");
    const booted = once(server.device, "booted");
    one.socket.destroy();
    await booted;
    expect(server.device.version).toBe("2.0.0");
  });
});

describe("floods", () => {
  test("counted interim answers stand before the right one", async () => {
    script("update", { kind: "information-flood", count: 3, everyMs: 1 });
    script("version", { kind: "information-flood", count: 3, status: 102 });
    const one = client().send(wholeUpdate);
    await one.until("installing");
    expect(one.text.match(/HTTP\/1\.1 103 /g)).toHaveLength(3);
    await stillServes(one);
    one.text = "";
    one.send(getText("/version"));
    await one.until("2.0.0");
    expect(one.text.match(/HTTP\/1\.1 102 /g)).toHaveLength(3);
  });

  test.each([undefined, 1])(
    "without a count they never end (every %s ms), and begin with the request",
    async (everyMs) => {
      script("update", { kind: "information-flood", ...(everyMs !== undefined && { everyMs }) });
      const one = client().send(requestText("/update", "", 1000));
      await one.until(/(HTTP\/1\.1 103 [\s\S]*){20}/);
      expect(one.text).not.toContain("HTTP/1.1 200");
    },
  );

  test("oversize headers, of the size that was asked for", async () => {
    script("version", { kind: "oversize-headers", bytes: 200_000 });
    const one = client().send(getText("/version"));
    await one.until('"version":"1.0.0"');
    expect(one.text.indexOf("\r\n\r\n")).toBeGreaterThan(200_000);
    await stillServes(one);
  });

  test.each(["length", "chunked", "close"] as const)(
    "an oversize body is the right JSON and too many spaces (%s)",
    async (framing) => {
      script("version", { kind: "oversize-body", bytes: 300_000, framing });
      const { text, json, headers } = await version();
      expect(json).toMatchObject({ version: "1.0.0" });
      expect(text.length).toBeGreaterThan(300_000);
      expect(headers["content-length"]).toBe(framing === "length" ? String(text.length) : undefined);
    },
  );

  test.each([
    ["endless body by length", { kind: "oversize-body", bytes: forever }, "HTTP/1.1 200 OK"],
    ["endless body in chunks", { kind: "oversize-body", bytes: forever, framing: "chunked" }, "chunked"],
    ["endless headers", { kind: "oversize-headers", bytes: forever }, "x-padding"],
    ["endless status line", { kind: "endless", part: "status-line" }, "HTTP/1.1 200 aaa"],
    ["endless header", { kind: "endless", part: "header" }, "x-endless: aaa"],
    ["endless chunk extension", { kind: "endless", part: "chunk-extension" }, ";aaa"],
    ["endless trailers", { kind: "endless", part: "trailers" }, "0\r\nx-endless: aaa"],
  ] as const satisfies [string, Fault, string][])(
    "%s: megabytes come, and the device serves others meanwhile",
    async (_, fault, sign) => {
      script("version", fault);
      const one = client();
      let bytes = 0;
      one.socket.removeAllListeners("data").on("data", (text: string) => {
        one.text = (one.text + text).slice(0, 2000);
        bytes += text.length;
        one.socket.emit("more");
      });
      one.send(getText("/version"));
      while (bytes < 3_000_000) await once(one.socket, "more");
      expect(one.text).toContain(sign);
      expect((await version()).json).toMatchObject({ version: "1.0.0" });
    },
  );
});

describe("malformed replies", () => {
  test.each(Object.keys(malformedReplies))("%s, byte for byte", async (reply) => {
    script("version", { kind: "malformed", reply });
    const one = client().send(getText("/version"));
    expect(await one.ended).toBe("fin");
    expect(one.text).toBe(malformedReplies[reply]);
  });

  test("raw text, before the body, held open or reset", async () => {
    script("update", { kind: "malformed", reply: { raw: "no\xff" }, early: true, afterwards: "hold" });
    script("update", { kind: "malformed", reply: { raw: "no\xff" }, early: true, afterwards: "rst" });
    const one = client().send(requestText("/update", "", 1000));
    await one.until("no\xff");
    one.send(image);
    expect((await version()).status).toBe(200);
    expect(server.open).toBeGreaterThan(0);
    expect(server.device.version).toBe("1.0.0");
    expect(await client().send(requestText("/update", "", 1000)).ended).toBe("rst");
  });
});

test("an order answered with nonsense before it was read does nothing", async () => {
  await using trial = await startDeviceServer({ trial: true });
  await ask(`${trial.url}/update`, { method: "POST", body: image });
  trial.script({ on: "commit", fault: { kind: "malformed", reply: "no-http", early: true } });
  await using one = new RawClient(trial.url);
  expect(await one.send(requestText("/commit")).ended).toBe("fin");
  expect(one.text).toBe(malformedReplies["no-http"]);
  expect(trial.device.onTrial).toBe(true);
});

describe("at connect", () => {
  test.each(["rst", "fin"] as const)("%s", async (ending) => {
    script("connect", { kind: "cut", at: 0, ending });
    expect(await client().ended).toBe(ending);
    expect((await version()).status).toBe(200);
    expect(server.device.counters).toMatchObject({ connections: 2, requests: { version: 1 } });
  });

  test.each(["hold", "blackhole"] as const)("%s", async (kind) => {
    script("connect", { kind });
    const one = client().send(getText("/version"));
    await once(one.socket, "connect");
    await version();
    expect(one.text).toBe("");
    expect(server.device.counters.requests.version).toBe(1);
  });

  test("late, and then as if nothing had been", async () => {
    script("connect", { kind: "delay", ms: 20 });
    await client().send(getText("/version")).until('"version":"1.0.0"');
  });

  test("words before anybody asked", async () => {
    script("connect", { kind: "malformed", reply: "ssh-banner" });
    const one = client();
    expect(await one.ended).toBe("fin");
    expect(one.text).toBe("SSH-2.0-dropbear_2022.83\r\n");
  });
});
