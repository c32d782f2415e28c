import { Buffer } from "node:buffer";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../core/clock.ts";
import type { DeliveryContext } from "../../core/delivery.ts";
import { isFlashwaveError } from "../../core/errors.ts";
import type { Profile } from "../../core/profile.ts";
import type { ExchangeReply, ExchangeRequest, Transport } from "../../core/transport.ts";
import { http, httpProbe } from "./index.ts";

/** A transport that only remembers. */
function remembering(): { readonly context: DeliveryContext; readonly requests: ExchangeRequest[] } {
  const requests: ExchangeRequest[] = [];
  const reply: ExchangeReply = {
    status: 200,
    headers: new Map(),
    body: Buffer.from('{"version":"1"}'),
    sent: "all",
    peer: "none",
  };
  const transport = {
    exchange: async (_origin: string, request: ExchangeRequest, read: (reply: ExchangeReply) => unknown) => {
      requests.push(request);
      return read(reply);
    },
  } as Partial<Transport> as Transport;
  return { context: { transport, origin: "http://10.0.0.1", clock: systemClock }, requests };
}

const device = { id: "d", address: "http://10.0.0.1" };

function problem(profile: unknown): string {
  try {
    http(profile as object);
  } catch (error) {
    if (isFlashwaveError(error) && error.code === "invalid_profile" && error.phase === "prepare") return error.message;
    throw error;
  }
  return "none";
}

describe("a profile that makes no sense", () => {
  it.each<[unknown, RegExp]>([
    [{ update: {} }, /^the profile knows no "update"; it takes send, inspect/],
    [{ options: { chunk: 1 } }, /^options knows no "chunk"; it takes identify, reprDigest/],
    [{ options: { identify: "yes" } }, /^options.identify must be true or false/],
    [{ options: [] }, /^options must be an object/],
    [{ send: "x" }, /^send must be an object/],
    [{ send: false }, /^send must be an object/],
    [{ send: [] }, /^send must be an object/],
    [{ inspect: null }, /^inspect must be an object/],
    [{ activate: false }, /^activate must be an object/],
    [{ send: { pointer: "/v" } }, /^send knows no "pointer"/],
    [JSON.parse('{"send":{"__proto__":{"path":"/x"}}}'), /^send knows no "__proto__"/],
    [{ send: { method: "post" } }, /^send.method must be one of POST, PUT, PATCH/],
    [{ send: { method: "GET" } }, /^send.method must be one of/],
    [{ inspect: { method: "DELETE" } }, /^inspect.method must be one of GET, POST/],
    [{ activate: {} }, /^activate.path must be an absolute path/],
    [{ send: { path: 7 } }, /^send.path must be an absolute path/],
    [{ send: { path: "http://evil/" } }, /^send.path cannot be sent.*URL/],
    [{ send: { path: "//evil/" } }, /^send.path cannot be sent.*URL/],
    [{ send: { path: "/a/../b" } }, /^send.path cannot be sent.*segment/],
    [{ send: { path: "/a\r\nx: y" } }, /^send.path cannot be sent.*percent-encoded/],
    [{ send: { query: "a=b" } }, /^send.query must be an object of names and texts/],
    [{ send: { query: { a: 1 } } }, /^send.query\["a"\] must be text/],
    [{ send: { headers: { "x y": "1" } } }, /^send.headers cannot be sent.*not a header name/],
    [{ send: { headers: { Host: "evil" } } }, /^send.headers cannot be sent.*set by the transport/],
    [{ send: { headers: { "transfer-encoding": "chunked" } } }, /set by the transport/],
    [{ send: { headers: { authorization: "Bearer t0psecret\r\nx: y" } } }, /^send.headers cannot be sent/],
    [{ send: { headers: { "X-A": "1", "x-a": "2" } } }, /^send.headers names "x-a" twice/],
    [{ send: { form: { a: "b" } } }, /^send.form does not fit/],
    [{ health: { form: { a: "b" } } }, /^health.form needs a method with a body, not GET/],
    [{ send: { checks: { ok: "true" } } }, /^send.checks\["ok"\] must be a JSON pointer/],
    [{ send: { checks: { "/ok": true } } }, /^send.checks\["\/ok"\] must be text/],
    [{ inspect: { pointer: "version" } }, /^inspect.pointer must be a JSON pointer/],
    [{ inspect: { pointer: 3 } }, /^inspect.pointer must be a JSON pointer/],
    [{ inspect: { pointer: "/v", text: true } }, /^inspect must say in exactly one/],
    [{ inspect: { text: false } }, /^inspect.text can only be true/],
    [{ inspect: { text: true, also: { digest: "/d" } } }, /^inspect.also needs a JSON answer/],
    [{ inspect: { pattern: 5 } }, /^inspect.pattern must be text/],
    [{ inspect: { pattern: "v\\d" } }, /^inspect.pattern has no group/],
    [{ inspect: { also: { serial: "/s" } } }, /^inspect.also knows no "serial"/],
    [{ inspect: { also: { digest: "d" } } }, /^inspect.also.digest must be a JSON pointer/],
    [{ identify: "yes" }, /^identify must be true or false/],
    [{ contentType: "firmware" }, /^contentType must be a media type/],
    [{ contentType: "a/b\r\nx: y" }, /^contentType must be a media type/],
    [{ contentType: 1 }, /^contentType must be a media type/],
  ])("%j is refused", (profile, message) => {
    expect(problem(profile)).toMatch(message);
  });

  it("is refused as a device's own too, at bind, without I/O", () => {
    const { context, requests } = remembering();
    const bind = () => http().bind({ ...device, profile: { send: { path: "x" } } }, context);
    expect(bind).toThrow(expect.objectContaining({ code: "invalid_profile" }));
    expect(requests).toEqual([]);
  });

  it("is refused before a send although only a read would need it", () => {
    const profile = { inspect: { path: "no-slash" } };
    const bind = () => http().bind({ ...device, profile }, remembering().context);
    expect(bind).toThrow(expect.objectContaining({ code: "invalid_profile" }));
  });

  it("never shows a value in its message", () => {
    expect(problem({ send: { headers: { authorization: "Bearer t0psecret\0" } } })).not.toContain("t0psecret");
    expect(problem({ send: { path: "/t0psecret /" } })).not.toContain("t0psecret");
  });
});

describe("a profile over the defaults", () => {
  const inspected = async (options: object, profile?: object): Promise<ExchangeRequest | undefined> => {
    const { context, requests } = remembering();
    const own = profile === undefined ? device : { ...device, profile };
    await http(options)
      .prober?.bind(own, context)
      .inspect({ deadline: 0 })
      .catch(() => undefined);
    return requests[0];
  };

  it("changes the fields that it names, and no others", async () => {
    const options = { inspect: { path: "/v", headers: { "x-a": "1" }, pointer: "/fw" } };
    expect(await inspected(options)).toMatchObject({
      method: "GET",
      path: "/v",
      headers: ["x-a", "1", "accept", "application/json"],
    });
    expect(await inspected(options, { inspect: { query: { cmnd: "Status 2", "ä&": "=" } } })).toMatchObject({
      path: "/v?cmnd=Status%202&%C3%A4%26=%3D",
      headers: ["x-a", "1", "accept", "application/json"],
    });
    expect(await inspected(options, { inspect: { path: "/v?a=1", query: { b: "2" }, text: true } })).toMatchObject({
      path: "/v?a=1&b=2",
      headers: ["x-a", "1"],
    });
  });

  it("can send a form where there is no file", async () => {
    const request = await inspected({ inspect: { method: "POST", path: "/rpc", form: { q: "a b&c" } } });
    expect(request).toMatchObject({ method: "POST", body: Buffer.from("q=a+b%26c") });
    expect(request?.headers).toEqual([
      ...["content-type", "application/x-www-form-urlencoded"],
      ...["accept", "application/json"],
    ]);
  });

  it("is compiled once for each profile object", async () => {
    const { context, requests } = remembering();
    const delivery = http();
    const profile = Object.freeze({ inspect: { path: "/x" } });
    for (const id of ["a", "b"]) {
      await delivery.prober?.bind({ ...device, id, profile }, context).inspect({ deadline: 0 });
    }
    await delivery.prober?.bind(device, { ...context, profile }).inspect({ deadline: 0 });
    expect(requests.map((request) => request.path)).toEqual(["/x", "/x", "/x"]);
    expect(new Set(requests.map((request) => request.headers)).size).toBe(1);
    expect(Object.isFrozen(requests[0]?.headers)).toBe(true);
  });

  it("that a registry resolved goes before the device's own", async () => {
    const { context, requests } = remembering();
    const own = { ...device, profile: { inspect: { path: "/own" } } };
    const resolved = { ...context, profile: { inspect: { path: "/resolved" } } };
    await http().prober?.bind(own, resolved).inspect({ deadline: 0 });
    expect(requests[0]?.path).toBe("/resolved");
  });

  it("replaces option by option", () => {
    const { context } = remembering();
    const delivery = http({ idempotencyKey: true, options: { identify: false } });
    const repeat = (options: Profile["options"]) =>
      delivery.bind({ ...device, profile: { ...(options && { options }) } }, context).traits.repeat;
    expect(repeat({ identify: true })).toBe("same-digest");
    expect(repeat({ idempotencyKey: false })).toBe("unsafe");
    expect(() => repeat({ chunk: 1 })).toThrow(expect.objectContaining({ code: "invalid_profile" }));
  });

  it("is read by a probe without a look at what another delivery sends", async () => {
    const { context, requests } = remembering();
    const profile = { send: { form: { mode: "fr" } }, options: { chunk: 1 }, inspect: { path: "/x" } };
    await httpProbe()
      .bind({ ...device, profile }, context)
      .inspect({ deadline: 0 });
    expect(requests.map(({ path }) => path)).toEqual(["/x"]);
    expect(() => http().bind({ ...device, profile }, context)).toThrow(
      expect.objectContaining({ code: "invalid_profile" }),
    );
  });

  it("switches reading and health off, and on again", () => {
    const { context } = remembering();
    const off = http({ inspect: false, health: false });
    expect(() => off.prober?.bind(device, context)).toThrow(expect.objectContaining({ code: "no_probe" }));
    const on = off.prober?.bind(
      { ...device, profile: { inspect: { pointer: "/v" }, health: { path: "/up" } } },
      context,
    );
    expect(on?.health).toBeTypeOf("function");
    expect(http({ health: false }).prober?.bind(device, context).health).toBeUndefined();
  });

  it("decides the traits", () => {
    const { context } = remembering();
    const traits = (options: object) => http(options).bind(device, context).traits;
    expect(traits({})).toMatchObject({ repeat: "unsafe", activates: "itself", resumable: false, verdict: "readback" });
    expect([...traits({}).refusals]).toEqual([401, 403, 404, 405, 413, 415, 429, 503]);
    expect(traits({ idempotencyKey: true })).toMatchObject({ repeat: "same-digest" });
    expect(traits({ send: { method: "PUT" }, idempotencyKey: true })).toMatchObject({ repeat: "idempotent" });
    expect(traits({ send: { method: "PATCH" } })).toMatchObject({ repeat: "unsafe" });
    expect(traits({ activate: { path: "/activate" } })).toMatchObject({ activates: "on-request" });
    expect(traits({ options: { idempotencyKey: true } })).toMatchObject({ repeat: "same-digest" });
  });
});
