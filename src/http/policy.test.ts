import type { LookupFunction } from "node:net";
import { describe, expect, it } from "vitest";
import { answering, failure, loopback, request, serve } from "./rig.suite.ts";
import { createTransport } from "./transport.ts";

type Found = { readonly address: string; readonly family: 4 | 6 };

/** A resolver that gives each answer in turn, and the last one from then on. */
function resolver(...answers: (Found[] | Error | string)[]): LookupFunction & { asked: string[] } {
  const asked: string[] = [];
  const lookup: LookupFunction = (hostname, _, callback) => {
    asked.push(hostname);
    const next = answers[Math.min(asked.length, answers.length) - 1];
    setImmediate(() => {
      if (next instanceof Error) callback(next, []);
      else if (typeof next === "string") callback(null, next, 4);
      else callback(null, next ?? []);
    });
  };
  return Object.assign(lookup, { asked });
}

const local: Found = { address: "127.0.0.1", family: 4 };
const elsewhere: Found = { address: "10.255.255.1", family: 4 };

describe("names", () => {
  it("are judged by what they resolve to, when it is connected", async () => {
    await using server = await serve(answering());
    const lookup = resolver([local]);
    await using open = loopback({ lookup });
    expect((await open.exchange(`http://device.lan:${server.port}`, request())).status).toBe(200);
    await using strict = createTransport({ lookup });
    const error = await failure(strict.exchange(`http://device.lan:${server.port}`, request()));
    expect(error).toMatchObject({ code: "address_denied", phase: "connect", bytesOut: "none", retryable: false });
    expect(error.message).toMatch(
      /device\.lan \(127\.0\.0\.1\).*loopback.*addressPolicy: \{ permit: \["127\.0\.0\.0\/8"/,
    );
    expect(server.sockets).toHaveLength(1);
  });

  it.each([
    [{ address: "::1", family: 6 }],
    [{ address: "::ffff:127.0.0.1", family: 6 }],
    [{ address: "64:ff9b::7f00:1", family: 6 }],
    [{ address: "169.254.169.254", family: 4 }],
    [{ address: "0.0.0.0", family: 4 }],
    [{ address: "::", family: 6 }],
    [{ address: "224.0.0.1", family: 4 }],
  ] as [Found][])("are denied when they resolve to %j", async (found) => {
    await using transport = createTransport({ lookup: resolver([found]) });
    expect(await failure(transport.exchange("http://device.lan", request()))).toMatchObject({ code: "address_denied" });
    expect(transport.statistics()).toMatchObject({ connections: 0, failed: 1, opened: 0 });
  });

  it("are connected at the addresses that pass, and only there", async () => {
    await using server = await serve(answering());
    await using denied = await serve(answering(), { host: "127.0.0.9", port: server.port });
    await using transport = loopback({
      lookup: resolver([{ address: "127.0.0.9", family: 4 }, local]),
      addressPolicy: { permit: ["127.0.0.0/8"], deny: ["127.0.0.9"] },
    });
    expect((await transport.exchange(`http://device.lan:${server.port}`, request())).status).toBe(200);
    expect([server.sockets.length, denied.sockets.length]).toEqual([1, 0]);
  });

  it("gain nothing by changing their answer: every connection is judged anew", async () => {
    await using server = await serve(answering());
    const lookup = resolver([local], [elsewhere], [local], [{ address: "127.0.0.2", family: 4 }]);
    await using transport = createTransport({
      lookup,
      addressPolicy: { permit: ["127.0.0.1"] },
      timeouts: { connect: 100 },
    });
    const url = `http://device.lan:${server.port}`;
    const once = () => transport.exchange(url, request({ keepAlive: false }));
    expect((await once()).status).toBe(200);
    // Blackholed or refused: it is another machine's answer, not a denial.
    expect(["connect_timeout", "connect_failed"]).toContain((await failure(once())).code);
    expect((await once()).status).toBe(200);
    expect(await failure(once())).toMatchObject({ code: "address_denied" });
    expect(lookup.asked).toHaveLength(4);
    expect(server.sockets).toHaveLength(2);
  });

  it.each([
    ["fail", Object.assign(new Error("no such name"), { code: "ENOTFOUND" }), "ENOTFOUND"],
    ["have no address", [], "ENOTFOUND"],
  ])("that %s are a failure to connect", async (_, answer, code) => {
    await using transport = loopback({ lookup: resolver(answer as Error | Found[]) });
    const error = await failure(transport.exchange("https://device.lan", request()));
    expect(error).toMatchObject({ code: "connect_failed", bytesOut: "none", retryable: true });
    expect(error.message).toContain(code);
  });

  it("may be resolved by a lookup that knows one answer only", async () => {
    await using server = await serve(answering());
    await using transport = loopback({ lookup: resolver("127.0.0.1") });
    expect((await transport.exchange(`http://device.lan:${server.port}`, request())).status).toBe(200);
  });

  it("are resolved by the system otherwise", async () => {
    await using server = await serve(answering());
    await using transport = loopback();
    expect((await transport.exchange(`http://localhost:${server.port}`, request())).status).toBe(200);
  });
});

describe("literals", () => {
  it.each([
    "http://127.0.0.1",
    "http://[::1]",
    "http://[::ffff:127.0.0.1]",
    "http://[2002:7f00:1::]",
    "http://169.254.169.254",
  ])("%s is denied before any connection", async (address) => {
    await using transport = createTransport();
    expect(() => transport.origin(address)).toThrow(expect.objectContaining({ code: "address_denied" }));
  });

  it("never reach the resolver", async () => {
    await using server = await serve(answering());
    const lookup = resolver([elsewhere]);
    await using transport = loopback({ lookup });
    expect((await transport.exchange(server.url, request())).status).toBe(200);
    expect(lookup.asked).toEqual([]);
  });
});
