import { Buffer } from "node:buffer";
import { describe, expect, it } from "vitest";
import type { ArtifactRef } from "../../core/artifact.ts";
import { systemClock } from "../../core/clock.ts";
import type { DeliveryContext, SendStep } from "../../core/delivery.ts";
import type { Device } from "../../core/device.ts";
import { FlashwaveError } from "../../core/errors.ts";
import type { Receipt } from "../../core/outcome.ts";
import type { ExchangeReply, ExchangeRequest, Pace, Transport } from "../../core/transport.ts";
import { type HttpOptions, http, httpProbe } from "./index.ts";

const origin = "http://10.0.0.1";
const readAt = 1_795_000_000_000;
const device: Device = { id: "pos-001", address: origin };
const artifact: ArtifactRef = { name: "fw.bin", version: "2.4.0", length: 3, digest: "ab".repeat(32) };
const payload = {
  artifact,
  slice: (start: number, end: number) => Buffer.from("abc").subarray(start, end),
  hash: async () => "",
};
const step: SendStep = { deadline: 5, attemptId: "a-1", pushId: "p-1" };

/** A transport that answers as it is told and remembers what it was asked. */
function scripted(answer: Partial<ExchangeReply> | Error = {}): {
  context: DeliveryContext;
  requests: ExchangeRequest[];
} {
  const requests: ExchangeRequest[] = [];
  const transport = {
    exchange: async (to: string, request: ExchangeRequest, read: (reply: ExchangeReply) => unknown) => {
      expect(to).toBe(origin);
      requests.push(request);
      if (answer instanceof Error) throw answer;
      return read({ status: 200, headers: new Map(), body: new Uint8Array(), sent: "all", peer: "none", ...answer });
    },
  } as Partial<Transport> as Transport;
  return { context: { transport, origin, clock: { ...systemClock, wall: () => readAt } }, requests };
}

const json = (value: unknown) => ({ body: Buffer.from(JSON.stringify(value)) });

async function sent(options: HttpOptions, to: Device = device, how: SendStep = step): Promise<Record<string, string>> {
  const { context, requests } = scripted();
  await http(options).bind(to, context).send(payload, how);
  const headers = requests[0]?.headers ?? [];
  const names = headers.filter((_, at) => at % 2 === 0);
  expect(new Set(names).size).toBe(names.length);
  return Object.fromEntries(names.map((name, at) => [name, headers[at * 2 + 1] ?? ""]));
}

describe("send", () => {
  it("hands the whole step to one exchange", async () => {
    const { context, requests } = scripted({ status: 201 });
    const { signal } = new AbortController();
    const pace: Pace = { take: () => undefined };
    const onSent = () => {};
    const pins = ["sha256/AAAA"];
    const session = http().bind({ ...device, pins }, context);
    expect(await session.send(payload, { ...step, signal, pace, onSent })).toEqual({ status: 201, bytes: 3 });
    expect(requests).toHaveLength(1);
    expect(requests[0]).toMatchObject({ method: "POST", path: "/update", phase: "send", deadline: 5, pins });
    expect(requests[0]).toMatchObject({ signal, pace, onSent, body: Buffer.from("abc") });
  });

  it("says by default who is meant and what is sent", async () => {
    expect(await sent({})).toEqual({
      "content-type": "application/octet-stream",
      "x-device-id": "pos-001",
      "repr-digest": `sha-256=:${Buffer.from(artifact.digest, "hex").toString("base64")}:`,
    });
  });

  it("can say more, or nothing", async () => {
    const more = { idempotencyKey: true, versionHeader: true, contentType: "application/x-tar; v=1" };
    expect(await sent(more, { ...device, name: "Küche\r\nx-evil: 1" })).toMatchObject({
      "content-type": "application/x-tar; v=1",
      "x-device-name": "K%C3%BCche%0D%0Ax-evil%3A%201",
      "idempotency-key": '"p-1"',
      "x-firmware-version": "2.4.0",
    });
    const none = await sent({ identify: false, reprDigest: false });
    expect(Object.keys(none)).toEqual(["content-type"]);
  });

  it("gives every attempt of one push the same idempotency key", async () => {
    const key = async (attemptId: string, pushId: string) =>
      (await sent({ idempotencyKey: true }, device, { ...step, attemptId, pushId }))["idempotency-key"];
    expect(await key("a-1", "p-1")).toBe(await key("a-2", "p-1"));
    expect(await key("a-1", "p-1")).not.toBe(await key("a-1", 'p"\\2'));
    expect(await key("a-1", 'p"\\2')).toMatch(/^"[\w%]+"$/);
  });

  it("lets the caller's headers go before the profile's, and those before its own", async () => {
    const profile = { send: { headers: { "Content-Type": "a/b", "x-site": "profile", "x-device-id": "profile" } } };
    const headers = { "X-Site": "caller", "x-build": "7" };
    expect(await sent(profile, device, { ...step, headers })).toMatchObject({
      "content-type": "a/b",
      "x-site": "caller",
      "x-build": "7",
      "x-device-id": "profile",
    });
  });

  it("fails when the answer does not hold what the profile's checks ask for", async () => {
    const options = { send: { checks: { "/ok": "true", "/code": "0" } } };
    const send = (body: Partial<ExchangeReply>) =>
      http(options).bind(device, scripted(body).context).send(payload, step);
    expect(await send(json({ ok: true, code: 0 }))).toMatchObject({ status: 200 });
    expect(await send(json({ ok: "true", code: "0" }))).toMatchObject({ status: 200 });
    const failed = { code: "device_error", bytesOut: "all", retryable: true, phase: "send", device: "pos-001" };
    await expect(send(json({ ok: false, code: 0 }))).rejects.toMatchObject(failed);
    await expect(send(json({ ok: true }))).rejects.toMatchObject(failed);
    await expect(send({ body: Buffer.from("OK") })).rejects.toMatchObject(failed);
    await expect(send({})).rejects.toMatchObject({ ...failed, message: expect.stringContaining("has no body") });
  });

  it("passes on what the transport throws, as it is", async () => {
    const lost = new FlashwaveError("connection_lost", "lost", { phase: "send", bytesOut: "all" });
    await expect(http().bind(device, scripted(lost).context).send(payload, step)).rejects.toBe(lost);
  });
});

describe("activate, commit and rollback", () => {
  const receipt = {} as Receipt;
  it("are there only where the profile names them", async () => {
    const { context, requests } = scripted();
    const bare = http().bind(device, context);
    expect([bare.activate, bare.commit, bare.rollback, bare.settle]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    const profile = { activate: { path: "/activate" }, commit: { method: "PUT", path: "/commit", form: { ok: "1" } } };
    const session = http().bind({ ...device, profile }, context);
    await session.activate?.(receipt, { deadline: 9 });
    await session.commit?.(receipt, { deadline: 9 });
    expect(session.rollback).toBeUndefined();
    expect(requests).toEqual([
      { method: "POST", path: "/activate", headers: [], phase: "activate", deadline: 9 },
      expect.objectContaining({ method: "PUT", path: "/commit", phase: "commit", body: Buffer.from("ok=1") }),
    ]);
  });

  it("throw what the device answered", async () => {
    const session = http({ rollback: { path: "/back" } }).bind(device, scripted({ status: 409 }).context);
    await expect(session.rollback?.(receipt, step)).rejects.toMatchObject({ code: "refused", phase: "rollback" });
  });
});

describe("inspect", () => {
  const sized = new Map([["content-length", "9"]]);
  const inspect = (answer: Partial<ExchangeReply>, options?: HttpOptions) =>
    httpProbe(options).bind(device, scripted(answer).context).inspect({ deadline: 5 });

  it("reads the version, and what else is usual, at once", async () => {
    expect(
      await inspect(json({ version: "2.4.0", bootId: "b", slot: "A", uptime: 1.5, digest: "not asked for" })),
    ).toEqual({
      version: "2.4.0",
      bootId: "b",
      slot: "A",
      uptime: 1.5,
      identity: "address",
      readAt,
    });
    expect(await inspect(json({ version: "2.4.0" }))).toEqual({ version: "2.4.0", identity: "address", readAt });
  });

  it("leaves what it was not asked for where it is unusable", async () => {
    const odd = json({ version: "2.4.0", bootId: {}, slot: "\x1b[2J", uptime: "3 days" });
    expect(await inspect(odd)).toEqual({ version: "2.4.0", identity: "address", readAt });
    const also = { bootId: "/bootId", slot: "/slot", uptime: "/uptime" };
    await expect(inspect(odd, { inspect: { also } })).rejects.toMatchObject({ code: "unreadable_state" });
  });

  const also = { digest: "/sha", deviceId: "/id", hardware: "/hw", slot: "/slot", uptime: "/up" };
  it("reads what the profile asks for", async () => {
    const sha = "AB".repeat(32);
    const answer = json({ fw: { v: "3" }, sha: `sha256:${sha}`, id: "pos-001", hw: "r2", slot: 1, up: 0 });
    expect(await inspect(answer, { inspect: { pointer: "/fw/v", also } })).toEqual({
      version: "3",
      digest: sha.toLowerCase(),
      deviceId: "pos-001",
      hardware: "r2",
      slot: "1",
      uptime: 0,
      identity: "reported-id",
      readAt,
    });
    const probe = (options: HttpOptions) => httpProbe(options).bind(device, scripted().context);
    expect(probe({ inspect: { also } }).proves).toBe("digest");
    expect(probe({}).proves).toBe("version");
  });

  it.each([
    ["pin", "another", "pin"],
    ["tls", "pos-001", "tls"],
    ["none", "pos-001", "reported-id"],
    ["none", "another", "address"],
    ["none", null, "address"],
  ] as const)("names the strongest identity: peer %s, reported id %s", async (peer, id, identity) => {
    const state = await inspect({ ...json({ version: "1", id }), peer }, { inspect: { also } });
    expect(state).toMatchObject({ identity });
    expect(state.deviceId).toBe(id ?? undefined);
  });

  it("reads text and patterns", async () => {
    const body = Buffer.from("  v2.4.0\r\n");
    for (const framing of [sized, new Map([["transfer-encoding", " Chunked"]])]) {
      const answer = { body, headers: framing };
      expect(await inspect(answer, { inspect: { text: true } })).toMatchObject({ version: "v2.4.0" });
      expect(await inspect(answer, { inspect: { pattern: "v([\\d.]+)" } })).toMatchObject({ version: "2.4.0" });
    }
    const withBoot = { inspect: { pattern: '"fw":"v([\\d.]+)', also: { bootId: "/boot" } } };
    expect(await inspect(json({ fw: "v7", boot: 12 }), withBoot)).toMatchObject({ version: "7", bootId: "12" });
  });

  it("does not take a part of a text for the whole: without a length it may be one", async () => {
    const body = Buffer.from("2.1");
    const framings = [
      new Map(),
      new Map([["transfer-encoding", "gzip"]]),
      new Map([["transfer-encoding", "chunked, gzip"]]),
    ];
    for (const headers of framings) {
      for (const options of [{ text: true }, { pattern: "(.+)" }] as const)
        await expect(inspect({ body, headers }, { inspect: options })).rejects.toMatchObject({
          code: "unreadable_state",
          message: expect.stringContaining("no length"),
        });
    }
  });

  const unreadable: [string, Partial<ExchangeReply>, HttpOptions?][] = [
    ["nothing", {}],
    ["garbage", { body: Buffer.from("<html>") }],
    ["no version", json({ fw: "2" })],
    ["a number", json({ version: 2.1 })],
    ["null", json({ version: null })],
    ["an empty version", json({ version: "" })],
    ["a long version", json({ version: "9".repeat(257) })],
    ["a version with a terminal escape", json({ version: "2\x1b[31m" })],
    ["a version with a bidi control", json({ version: "2\u202e" })],
    ["too much JSON", json({ version: "2", pad: "x".repeat(65_536) })],
    ["too deep JSON", { body: Buffer.from(`{"version":"2","a":${"[".repeat(40)}${"]".repeat(40)}}`) }],
    ["half a digest", json({ version: "2", sha: "abcd" }), { inspect: { also } }],
    ["a digest that is no text", json({ version: "2", sha: [] }), { inspect: { also } }],
    ["an uptime that is no number", json({ version: "2", up: "1" }), { inspect: { also } }],
    ["an uptime below zero", json({ version: "2", up: -1 }), { inspect: { also } }],
    ["an id with a line break", json({ version: "2", id: "a\nb" }), { inspect: { also } }],
    ["empty text", { headers: sized, body: Buffer.from("  \n") }, { inspect: { text: true } }],
    ["too much text", { headers: sized, body: Buffer.alloc(65_537, " ") }, { inspect: { text: true } }],
    ["no match", { headers: sized, body: Buffer.from("x") }, { inspect: { pattern: "v(.)" } }],
    [
      "a match without end",
      { headers: sized, body: Buffer.from(`${"a".repeat(64)}b`) },
      { inspect: { pattern: "(a+)+$" } },
    ],
    ["a failed check", json({ version: "2", ok: false }), { inspect: { checks: { "/ok": "true" } } }],
  ];
  it.each(unreadable)("cannot read %s", async (_, answer, options) => {
    const error = { code: "unreadable_state", phase: "inspect", retryable: true, device: "pos-001" };
    await expect(inspect(answer, options)).rejects.toMatchObject(error);
  });

  it.each([
    [401, "refused"],
    [403, "refused"],
    [404, "refused"],
    [302, "redirected"],
    [500, "device_error"],
    [503, "device_busy"],
  ])("%d is %s", async (status, code) => {
    await expect(inspect({ ...json({ version: "2" }), status })).rejects.toMatchObject({ code, phase: "inspect" });
  });
});

describe("health", () => {
  const health = (answer: Partial<ExchangeReply>, options?: HttpOptions) =>
    httpProbe(options).bind(device, scripted(answer).context).health?.({ deadline: 5 });

  it("is any 2xx whose checks hold", async () => {
    await health({ status: 204 });
    await health(json({ state: "ok" }), { health: { checks: { "/state": "ok" } } });
  });

  it.each([
    [{ status: 500 }, undefined],
    [{ status: 302 }, undefined],
    [{ status: 404 }, undefined],
    [json({ state: "down" }), { health: { checks: { "/state": "ok" } } }],
  ] as [Partial<ExchangeReply>, HttpOptions?][])("%j is unhealthy", async (answer, options) => {
    await expect(health(answer, options)).rejects.toMatchObject({
      code: "unhealthy",
      phase: "verify",
      device: "pos-001",
    });
  });
});
