/**
 * What an answer comes to, by nock: statuses, headers, `Retry-After`, counts of tries and injected errors, with small
 * bodies. It proves nothing about streaming or about the address policy (under it every name is loopback), and stands
 * in a file, and so in a process, of its own: it slows down every other request.
 */
import nock from "nock";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type ClientEvent, type Device, openArtifact } from "../src/index.ts";
import { failure, fastClient } from "./kit.ts";

const origin = "http://pos-001.test";
const device = { id: "pos-001", address: origin };
const version = "2.0.0";
const bytes = Buffer.alloc(5_000, 7);

beforeAll(() => nock.disableNetConnect());
afterEach(() => {
  expect(nock.pendingMocks()).toEqual([]);
  nock.cleanAll();
});
afterAll(() => {
  nock.restore();
  nock.enableNetConnect();
});

/** One push against whatever nock answers; gives its receipt or its error, and what was told on the way. */
async function pushed(
  headers: Record<string, string> = {},
  {
    stop,
    deadline = 10_000,
    to = device,
  }: Partial<{ stop: (event: ClientEvent) => boolean; deadline: number; to: Device }> = {},
) {
  const events: ClientEvent[] = [];
  const controller = new AbortController();
  await using client = fastClient({
    retry: { attempts: 3, quietPeriod: 1 },
    verification: { deadline },
    onEvent(event) {
      events.push(event);
      if (stop?.(event)) controller.abort();
    },
  });
  await using artifact = await openArtifact(bytes, { version });
  const ended = await client
    .push(to, artifact, { headers, signal: controller.signal })
    .catch((error: unknown) => error);
  const tries = events.filter(({ type }) => type === "attempt-started").length;
  return { ended, tries, events };
}

const running = (reported: string) => nock(origin).get("/version").reply(200, { version: reported });

describe("what is sent", () => {
  it("one octet stream of known length, and who is meant", async () => {
    let sent: Buffer | undefined;
    nock(origin, {
      reqheaders: {
        "content-type": "application/octet-stream",
        "content-length": String(bytes.length),
        "x-device-id": "pos-001",
        "repr-digest": /^sha-256=:[A-Za-z\d+/]{43}=:$/,
        "x-job": "7",
      },
      badheaders: ["transfer-encoding", "expect"],
    })
      .post("/update", (body: string) => {
        sent = Buffer.from(body, "latin1");
        return true;
      })
      .reply(200);
    expect((await pushed({ "x-job": "7" })).ended).toMatchObject({ status: 200, bytes: bytes.length, attempts: 1 });
    expect(sent).toEqual(bytes);
  });

  it("to the path and by the method that the profile names", async () => {
    nock(origin).put("/firmware?slot=b%2Fc").reply(204);
    await using client = fastClient();
    await using artifact = await openArtifact(bytes, { version });
    const profile = { send: { method: "PUT", path: "/firmware", query: { slot: "b/c" } } };
    expect(await client.push({ ...device, profile }, artifact)).toMatchObject({ status: 204 });
  });
});

describe("what a status comes to", () => {
  it.each([200, 201, 202, 204])("%i acknowledges", async (status) => {
    nock(origin).post("/update").reply(status);
    expect(await pushed()).toMatchObject({ ended: { status, attempts: 1, acknowledgedBy: "reply" }, tries: 1 });
  });

  it.each([
    ...[400, 401, 402, 403, 404, 405, 406, 409, 410, 411, 413, 414, 415, 422, 451].map((s) => [s, "refused"] as const),
    ...[300, 301, 302, 303, 304, 307, 308].map((s) => [s, "redirected"] as const),
  ])("%i is final: %s, after one read", async (status, code) => {
    nock(origin).post("/update").reply(status, "no", { location: "http://elsewhere.test/" });
    running("1.0.0");
    const { ended, tries } = await pushed();
    expect(ended).toMatchObject({ code, retryable: false, reply: { status }, device: "pos-001", attempt: 1 });
    expect(ended).toMatchObject({ message: expect.stringContaining('reports version "1.0.0"') });
    expect(tries).toBe(1);
  });

  it.each([429, 503])("%i is believed to have changed nothing where nothing can be read", async (status) => {
    nock(origin).post("/update").times(3).reply(status);
    const blind = { ...device, profile: { inspect: false } as const };
    expect(await pushed({}, { to: blind })).toMatchObject({
      ended: { code: "device_busy", reply: { status } },
      tries: 3,
    });
  });

  it.each([501, 505])("%i is read about, and final while the old version runs", async (status) => {
    nock(origin).post("/update").reply(status);
    nock(origin).persist().get("/version").reply(200, { version: "1.0.0" });
    expect(await pushed()).toMatchObject({ ended: { code: "device_error", attempt: 1, reply: { status } }, tries: 1 });
  });

  it.each([
    ...[408, 429, 503].map((s) => [s, "device_busy"] as const),
    ...[500, 502, 504, 507, 599].map((s) => [s, "device_error"] as const),
  ])("%i is read about, and tried again while the old version runs: %s", async (status, code) => {
    nock(origin).post("/update").times(3).reply(status);
    // At least two reads per attempt: a timer that fires a little early makes it one more.
    nock(origin).persist().get("/version").reply(200, { version: "1.0.0" });
    expect(await pushed()).toMatchObject({ ended: { code, attempt: 3, reply: { status } }, tries: 3 });
  });

  it.each([408, 429, 500, 501, 502, 503, 504])(
    "%i to an image that arrived all the same is an acknowledgement",
    async (status) => {
      nock(origin).post("/update").reply(status);
      running(version);
      expect(await pushed()).toMatchObject({ ended: { status: 0, acknowledgedBy: "readback", attempts: 1 }, tries: 1 });
    },
  );

  it("keeps an excerpt of what the device said beside the message, never in it", async () => {
    nock(origin).post("/update").reply(403, "t0psecret \u001b[31mred");
    running("1.0.0");
    const { ended } = await pushed();
    expect(ended).toMatchObject({ reply: { excerpt: expect.stringContaining("t0psecret") } });
    expect(JSON.stringify(ended) + String(ended)).not.toContain("t0psecret");
  });
});

describe("Retry-After", () => {
  const inAnHour = () => new Date(Date.now() + 3_600_000).toUTCString();
  it.each([
    ["seconds", () => "120", 120_000, 120_000],
    ["nothing to wait", () => "0", 0, 0],
    ["more than ten minutes", () => "86400", 600_000, 600_000],
    ["a date", () => new Date(Date.now() + 300_000).toUTCString(), 295_000, 301_000],
    ["a date beyond ten minutes", inAnHour, 600_000, 600_000],
    ["a date gone by", () => "Wed, 21 Oct 2015 07:28:00 GMT", 0, 0],
    ["garbage", () => "soon", 0, 0],
    ["a negative number", () => "-5", 0, 0],
  ])("%s", async (_, value, least, most) => {
    nock(origin).post("/update").reply(503, "", { "retry-after": value() });
    const { ended, events } = await pushed({}, { stop: ({ type }) => type === "attempt-failed" });
    expect(ended).toMatchObject({ code: "aborted" });
    const [failed] = events.filter((event) => event.type === "attempt-failed");
    expect(failed?.delay).toBeGreaterThanOrEqual(least);
    // What was asked for, and then up to `busyBase` of jitter: devices that were told the same moment do not all keep it.
    expect(failed?.delay).toBeLessThanOrEqual(most + 20);
  });
});

describe("injected errors", () => {
  const thrown = (code: string) => Object.assign(new Error(code), { code });

  it.each(["ECONNRESET", "EPIPE", "ETIMEDOUT"])("%s: read, then sent again", async (code) => {
    nock(origin).post("/update").replyWithError(thrown(code));
    nock(origin).persist().get("/version").reply(200, { version: "1.0.0" });
    nock(origin).post("/update").reply(200);
    expect(await pushed()).toMatchObject({ ended: { status: 200, attempts: 2 }, tries: 2 });
  });

  it("a lost answer about which nothing can be read stays unknown", async () => {
    nock(origin).post("/update").replyWithError(thrown("ECONNRESET"));
    nock(origin).get("/version").reply(200, "<html>").persist();
    const { ended, tries } = await pushed({}, { deadline: 300 });
    expect(ended).toMatchObject({ code: "outcome_unknown", cause: { device: "pos-001" } });
    expect(tries).toBe(1);
    nock.cleanAll();
  });

  it("a lost answer of a device that cannot be read stays unknown", async () => {
    nock(origin).post("/update").replyWithError(thrown("ECONNRESET"));
    const { ended, tries } = await pushed({}, { to: { ...device, profile: { inspect: false } } });
    expect(ended).toMatchObject({ code: "outcome_unknown", cause: { code: "connection_lost" } });
    expect(tries).toBe(1);
  });

  it("a read is repeated as often as a send, and no more", async () => {
    nock(origin).get("/version").times(3).reply(500);
    await using client = fastClient();
    await using artifact = await openArtifact(bytes, { version });
    expect(await client.update(device, artifact)).toMatchObject({ status: "failed", error: { code: "device_error" } });
    nock(origin).get("/version").reply(500);
    expect(await failure(() => client.inspect(device))).toMatchObject({ code: "device_error", phase: "inspect" });
  });
});
