import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { TusDeviceOptions } from "../../../mocks/index.ts";
import { blockSize } from "../../bytes/index.ts";
import { Secret } from "../../core/credentials.ts";
import { pattern } from "../suite/trial.suite.ts";
import { tus } from "./index.ts";
import { stage } from "./stage.suite.ts";

type Tamper = NonNullable<TusDeviceOptions["tamper"]>;

/** Answers requests of one method, or one method's `nth`, in its own way. */
function answering(
  method: string,
  change: (reply: Parameters<Tamper>[0]) => Parameters<Tamper>[0],
  nth?: number,
): Tamper {
  let seen = 0;
  return (reply, head) => {
    if (head.method !== method) return reply;
    return nth === undefined || ++seen === nth ? change(reply) : reply;
  };
}

const withHeaders =
  (headers: Readonly<Record<string, string>>) =>
  (reply: Parameters<Tamper>[0]): Parameters<Tamper>[0] => ({ ...reply, headers: { ...reply.headers, ...headers } });

describe("an upload", () => {
  it("is created with what it is, and carried by one PATCH", async () => {
    await using rig = await stage({}, { checksum: false, send: { form: { site: "Köln 4" } } });
    const done = await rig.send();
    expect(done).toEqual({ status: 204, bytes: 1_000_000, remoteId: "/files/1" });
    expect(rig.requests()).toEqual(["OPTIONS /files", "POST /files", "PATCH /files/1"]);
    expect(rig.server.uploads()).toEqual([
      {
        ...{ path: "/files/1", length: 1_000_000, offset: 1_000_000, sha256: rig.artifact.digest },
        metadata: {
          filename: "fw 1.bin",
          version: "2.0.0",
          sha256: rig.artifact.digest,
          device: "sim-001",
          site: "Köln 4",
        },
      },
    ]);
    expect(rig.tokens).toEqual([rig.token("/files/1", 0)]);
  });

  it("has the version header on everything but OPTIONS", async () => {
    await using rig = await stage({}, { send: { headers: { "x-tenant": "a" } } });
    await rig.send({ headers: { "X-Site": "b" } });
    const told = rig.server.control
      .requests()
      .map(({ method, headers }) => [method, headers["tus-resumable"], headers["x-tenant"], headers["x-site"]]);
    expect(told).toEqual([
      ["OPTIONS", undefined, "a", "b"],
      ["POST", "1.0.0", "a", "b"],
      ["PATCH", "1.0.0", "a", "b"],
    ]);
  });

  it("is asked for once a session, and made at the profile's path", async () => {
    await using rig = await stage({ endpoint: "/api/up" }, { send: { path: "/api/up", query: { tenant: "a b" } } });
    await rig.send();
    await rig.send();
    expect(rig.requests()).toEqual([
      "OPTIONS /api/up?tenant=a%20b",
      "POST /api/up?tenant=a%20b",
      "PATCH /api/up/1",
      "POST /api/up?tenant=a%20b",
      "PATCH /api/up/2",
    ]);
  });

  it("goes in parts where bodies are limited, and tells each before the next", async () => {
    await using rig = await stage({}, { checksum: false, chunkBytes: blockSize });
    const seen: number[] = [];
    await rig.send({ onSent: (bytes) => seen.push(bytes) });
    const sizes = rig.server.control.received().map(({ bytes }) => bytes);
    expect(sizes).toEqual([blockSize, blockSize, blockSize, 1_000_000 - 3 * blockSize]);
    expect(rig.tokens.map(({ offset }) => offset)).toEqual([0, 1, 2, 3].map((part) => part * blockSize));
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(seen.at(-1)).toBe(1_000_000);
    expect(rig.server.uploads()[0]).toMatchObject({ sha256: rig.artifact.digest });
  });

  it("takes its whole time in parts, whatever our own rate limit makes of it", async () => {
    await using rig = await stage({}, { checksum: false, chunkBytes: blockSize }, 8 * blockSize);
    const slow = { take: () => new Promise<void>((resolve) => setTimeout(resolve, 200)) };
    // Each part waits at least once: before the last one begins, longer than the device is given for all.
    const done = await rig.send({ deadline: performance.now() + 1_000, pace: slow });
    expect(done.bytes).toBe(8 * blockSize);
  });

  it("waits for its token to be durable, and goes no further when it cannot be", async () => {
    await using rig = await stage({}, { checksum: false, chunkBytes: blockSize });
    const full = new Error("disk full");
    const onResumable = async ({ offset }: { readonly offset: number }) => {
      await new Promise((resolve) => setImmediate(resolve));
      if (offset > 0) throw full;
    };
    await expect(rig.send({ onResumable })).rejects.toBe(full);
    expect(rig.server.uploads()[0]).toMatchObject({ offset: blockSize });
    expect(rig.requests().filter((request) => request.startsWith("PATCH"))).toHaveLength(1);
  });

  it("can be of an empty artifact", async () => {
    await using rig = await stage({}, {}, 0);
    expect(await rig.send()).toMatchObject({ status: 201, bytes: 0 });
    expect(rig.requests()).toEqual(["OPTIONS /files", "POST /files"]);
  });
});

describe("an upload that broke", () => {
  it("goes on where the device is, with the bytes from there", async () => {
    await using rig = await stage({}, { checksum: false });
    rig.server.script({ on: "update", fault: { kind: "cut", at: 400_001 } });
    expect(await rig.failure()).toMatchObject({ code: "connection_lost" });
    expect(rig.server.uploads()[0]).toMatchObject({ offset: 400_001 });
    const done = await rig.another().send(rig.artifact.payload, rig.step({ resume: rig.token("/files/1") }));
    expect(done).toEqual({ status: 204, bytes: 1_000_000, remoteId: "/files/1" });
    expect(rig.server.uploads()).toEqual([expect.objectContaining({ offset: 1_000_000, sha256: rig.artifact.digest })]);
    expect(rig.tokens.map(({ offset }) => offset)).toEqual([0, 400_001]);
    expect(rig.requests().slice(-3)).toEqual(["OPTIONS /files", "HEAD /files/1", "PATCH /files/1"]);
  });

  it("is acknowledged by its offset when only the answer was lost", async () => {
    await using rig = await stage({}, { checksum: false });
    rig.server.script({ on: "update", fault: { kind: "cut", at: "installed" } });
    expect(await rig.failure()).toMatchObject({ code: "connection_lost", bytesOut: "all" });
    const done = await rig.send({ resume: rig.token("/files/1") });
    expect(done).toEqual({ status: 200, bytes: 1_000_000, remoteId: "/files/1" });
    expect(rig.requests().filter((request) => request.startsWith("PATCH"))).toHaveLength(1);
  });

  it("ends back on a block after a part that broke in its middle", async () => {
    await using rig = await stage({}, { checksum: false, chunkBytes: blockSize });
    rig.server.script({ on: "update", skip: 1, fault: { kind: "cut", at: 1_000 } });
    await rig.failure();
    await rig.send({ resume: rig.token("/files/1") });
    const [, , resumed] = rig.server.control.received().map(({ headers, bytes }) => [headers["upload-offset"], bytes]);
    expect(resumed).toEqual([String(blockSize + 1_000), blockSize - 1_000]);
    expect(rig.server.uploads()[0]).toMatchObject({ sha256: rig.artifact.digest });
  });

  it.each([404, 410])("is void when the device answers %d: no byte, and no new upload", async (status) => {
    const tamper = answering("HEAD", () => ({ status }));
    await using rig = await stage({ tamper }, {});
    const error = await rig.failure({ resume: rig.token("/files/1") });
    expect(error).toMatchObject({ code: "upload_gone", bytesOut: "none", retryable: true, reply: { status } });
    expect(rig.requests()).toEqual(["OPTIONS /files", "HEAD /files/1"]);
  });

  it("is void when it has expired", async () => {
    await using rig = await stage({}, { checksum: false });
    rig.server.script({ on: "update", fault: { kind: "cut", at: 400_000 } });
    await rig.failure();
    rig.server.expire();
    expect(await rig.failure({ resume: rig.token("/files/1") })).toMatchObject({ code: "upload_gone" });
  });

  it("follows a device that lost power and with it what it had confirmed", async () => {
    await using rig = await stage({}, { checksum: false });
    rig.server.script({ on: "update", fault: { kind: "cut", at: 400_000 } });
    await rig.failure();
    rig.server.lose("/files/1", 100);
    await rig.send({ resume: rig.token("/files/1", 400_000) });
    expect(rig.server.uploads()[0]).toMatchObject({ offset: 1_000_000, sha256: rig.artifact.digest });
  });

  it.each([
    ["an offset beyond the end", { "upload-offset": "1000001" }],
    ["no number", { "upload-offset": "many" }],
    ["a negative one", { "upload-offset": "-1" }],
    ["none at all", { "upload-offset": "" }],
    ["another length", { "upload-length": "999999" }],
    ["a length that is no number", { "upload-length": "1e6" }],
  ])("is left alone when the device tells %s", async (_what, headers) => {
    const tamper = answering("HEAD", withHeaders(headers));
    await using rig = await stage({ tamper }, { checksum: false });
    rig.server.script({ on: "update", fault: { kind: "cut", at: 400_000 } });
    await rig.failure();
    const before = rig.requests().length;
    const error = await rig.failure({ resume: rig.token("/files/1") });
    expect(error).toMatchObject({ code: "unreadable_state", phase: "send", bytesOut: "none", retryable: false });
    expect(rig.requests().slice(before)).toEqual(["HEAD /files/1"]);
  });

  it.each([
    ["another delivery's", { delivery: "http" }],
    ["another device's", { device: "sim-002" }],
    ["another origin's", { origin: "http://127.0.0.1:1" }],
    ["one without an upload", { state: {} }],
    ["one with a URL", { state: { upload: "http://evil.example/1" } }],
    ["one with another host", { state: { upload: "//evil.example/1" } }],
    ["one with dot segments", { state: { upload: "/files/../admin" } }],
    ["one with a line break", { state: { upload: "/files/1\r\nx-evil: 1" } }],
  ])("is refused before any I/O with a token that is %s", async (_what, changes) => {
    await using rig = await stage({}, {});
    const resume = { ...rig.token("/files/1"), ...changes };
    expect(await rig.failure({ resume })).toMatchObject({ code: "invalid_option", phase: "prepare" });
    await expect(rig.session.discard?.(resume, rig.step())).rejects.toMatchObject({ code: "invalid_option" });
    expect(rig.requests()).toEqual([]);
  });
});

describe("a 409", () => {
  it("is settled by asking, and the send goes on where the device is", async () => {
    const { tamper, server } = moving([300_000]);
    await using rig = await stage({ tamper }, { checksum: false });
    server.push(rig.server);
    await rig.send();
    expect(rig.requests().slice(2)).toEqual(["PATCH /files/1", "HEAD /files/1", "PATCH /files/1"]);
    expect(rig.tokens.map(({ offset }) => offset)).toEqual([0, 300_000]);
    expect(rig.server.uploads()[0]).toMatchObject({ offset: 1_000_000 });
  });

  it("ends the send when the device is where we were", async () => {
    await using rig = await stage({}, { checksum: false });
    rig.server.script({ on: "update", fault: { kind: "status", status: 409 } });
    expect(await rig.failure()).toMatchObject({ code: "refused", reply: { status: 409 }, bytesOut: "all" });
    expect(rig.requests().slice(2)).toEqual(["PATCH /files/1", "HEAD /files/1"]);
  });

  it("is asked about three times and no more", async () => {
    const offsets = [100, 200, 300, 400, 500, 600];
    const { tamper, server } = moving(offsets);
    await using rig = await stage({ tamper }, { checksum: false });
    server.push(rig.server);
    expect(await rig.failure()).toMatchObject({ code: "refused", reply: { status: 409 } });
    expect(rig.requests().filter((request) => request.startsWith("PATCH"))).toHaveLength(4);
  });

  it("does not take back what was confirmed in the same send", async () => {
    let told = 0;
    const tamper: Tamper = (reply, { method, headers }) => {
      if (method === "HEAD") return { ...reply, headers: { ...reply.headers, "upload-offset": "7" } };
      return method === "PATCH" && headers["upload-offset"] !== "0" && ++told === 1 ? { status: 409 } : reply;
    };
    await using rig = await stage({ tamper }, { checksum: false, chunkBytes: blockSize });
    expect(await rig.failure()).toMatchObject({ code: "unreadable_state", bytesOut: "some" });
  });

  it("acknowledges when the device has all", async () => {
    const { tamper, server } = moving([1_000_000]);
    await using rig = await stage({ tamper }, { checksum: false });
    server.push(rig.server);
    expect(await rig.send()).toMatchObject({ status: 200, bytes: 1_000_000 });
  });

  /** A device whose earlier request goes on writing: each PATCH meets another offset than it was told, so many times. */
  function moving(offsets: number[]): {
    tamper: Tamper;
    server: { readonly lose: (path: string, to: number) => void }[];
  } {
    const server: { readonly lose: (path: string, to: number) => void }[] = [];
    let at: string | undefined;
    const tamper: Tamper = (reply, { method, path }) => {
      if (method === "PATCH" && offsets.length > 0) {
        at = String(offsets.shift());
        server[0]?.lose(path, Number(at));
        return { status: 409 };
      }
      return method === "HEAD" && at !== undefined
        ? { ...reply, headers: { ...reply.headers, "upload-offset": at } }
        : reply;
    };
    return { tamper, server };
  }
});

describe("what a PATCH is answered", () => {
  it.each([
    ["less than it was sent", { "upload-offset": "999999" }],
    ["more than it was sent", { "upload-offset": "1000001" }],
    ["nothing", { "upload-offset": "" }],
  ])("is no acknowledgement when it confirms %s", async (_what, headers) => {
    await using rig = await stage({ tamper: answering("PATCH", withHeaders(headers)) }, { checksum: false });
    expect(await rig.failure()).toMatchObject({ code: "device_error", bytesOut: "all", retryable: true });
  });

  it("may be 200 with a body, by the owner's hook", async () => {
    await using rig = await stage({ finish: { status: 200, body: "flashed" } }, { checksum: false });
    expect(await rig.send()).toMatchObject({ status: 200, bytes: 1_000_000, remoteId: "/files/1" });
  });

  it.each([
    [412, "unsupported", false],
    [423, "device_busy", true],
    [460, "device_error", true],
    [410, "refused", false],
  ] as const)("%d is %s", async (status, code, retryable) => {
    await using rig = await stage({}, { checksum: false });
    rig.server.script({ on: "update", fault: { kind: "status", status } });
    expect(await rig.failure()).toMatchObject({ code, retryable, bytesOut: "all", reply: { status } });
  });

  it("counts what left in this send, not in this part", async () => {
    await using rig = await stage({}, { checksum: false, chunkBytes: blockSize });
    rig.server.script({ on: "update", fault: { kind: "status", status: 500 } });
    expect(await rig.failure()).toMatchObject({ code: "device_error", bytesOut: "some" });
    rig.server.script({ on: "update", skip: 3, fault: { kind: "status", status: 500 } });
    expect(await rig.failure()).toMatchObject({ code: "device_error", bytesOut: "all" });
  });
});

describe("checksums", () => {
  it("go along where they are advertised, by the best algorithm that both have", async () => {
    await using rig = await stage({ checksums: ["md5", "sha1"] }, {});
    await rig.send();
    const digest = createHash("sha1").update(pattern(1_000_000)).digest("base64");
    expect(rig.server.control.received()[0]?.headers).toMatchObject({ "upload-checksum": `sha1 ${digest}` });
  });

  it("go with each part: no more than 4 MiB is lost to a cut", async () => {
    await using rig = await stage({ checksums: ["sha256"] }, {}, 9_000_000);
    await rig.send();
    expect(rig.server.control.received().map(({ bytes }) => bytes)).toEqual([4_194_304, 4_194_304, 611_392]);
    expect(rig.server.uploads()[0]).toMatchObject({ sha256: rig.artifact.digest });
  });

  it.each([
    ["are not advertised", { extensions: ["creation"] }, {}],
    ["are of algorithms that we have not", { checksums: [] }, {}],
    ["are turned off", {}, { checksum: false }],
  ] as const)("stay at home where they %s", async (_what, fake, options) => {
    await using rig = await stage(fake, options);
    await rig.send();
    expect(rig.server.control.received()[0]?.headers).not.toHaveProperty("upload-checksum");
  });

  it("that do not match leave the upload where it was, to be sent again", async () => {
    const spoil: Tamper = answering("PATCH", (reply) => ({ ...reply, status: 460, headers: {} }), 1);
    await using rig = await stage({ tamper: spoil }, {});
    expect(await rig.failure()).toMatchObject({ code: "device_error", retryable: true, reply: { status: 460 } });
  });
});

describe("a creation that carries bytes", () => {
  it("is one request for a small artifact", async () => {
    await using rig = await stage({}, { createWithUpload: true, checksum: false });
    expect(await rig.send()).toEqual({ status: 201, bytes: 1_000_000, remoteId: "/files/1" });
    expect(rig.requests()).toEqual(["OPTIONS /files", "POST /files"]);
    expect(rig.tokens).toEqual([]);
  });

  it("carries the first part, and the upload goes on from there", async () => {
    await using rig = await stage({}, { createWithUpload: true, checksum: false, chunkBytes: 2 * blockSize });
    await rig.send();
    expect(rig.tokens.map(({ offset }) => offset)).toEqual([2 * blockSize]);
    expect(rig.server.uploads()[0]).toMatchObject({ sha256: rig.artifact.digest });
  });

  it("may be answered 200 without a Location, by the owner's hook", async () => {
    await using rig = await stage(
      { finish: { status: 200, body: "flashed" } },
      { createWithUpload: true, checksum: false },
    );
    expect(await rig.send()).toEqual({ status: 200, bytes: 1_000_000 });
  });

  it("is asked about when the answer does not say how much was taken", async () => {
    const tamper = answering("POST", withHeaders({ "upload-offset": "" }));
    await using rig = await stage({ tamper }, { createWithUpload: true, checksum: false });
    await rig.send();
    expect(rig.requests()).toEqual(["OPTIONS /files", "POST /files", "HEAD /files/1"]);
  });

  it("goes on where a server took less, and believes none that took more", async () => {
    const less = answering("POST", withHeaders({ "upload-offset": "100" }));
    await using rig = await stage({ tamper: less }, { createWithUpload: true, checksum: false, chunkBytes: blockSize });
    rig.server.script({ on: "update", skip: 1, fault: { kind: "cut", at: "received" } });
    await rig.failure();
    expect(rig.server.control.received()[1]?.headers).toMatchObject({ "upload-offset": "100" });
    const more = answering("POST", withHeaders({ "upload-offset": "999999" }));
    await using liar = await stage(
      { tamper: more },
      { createWithUpload: true, checksum: false, chunkBytes: blockSize },
    );
    expect(await liar.failure()).toMatchObject({ code: "device_error", bytesOut: "some" });
  });

  it.each([
    ["not advertised", { extensions: ["creation"] }, { createWithUpload: true }],
    ["not asked for", {}, { checksum: false }],
    ["not to be checked", {}, { createWithUpload: true }],
  ] as const)("carries none where that is %s", async (_what, fake, options) => {
    await using rig = await stage(fake, options);
    await rig.send();
    expect(rig.requests()).toEqual(["OPTIONS /files", "POST /files", "PATCH /files/1"]);
  });

  it("without an acknowledgement leaves open what became of it", async () => {
    const tamper = answering("POST", () => ({ status: 200 }));
    await using rig = await stage({ tamper }, { createWithUpload: true, checksum: false });
    expect(await rig.failure()).toMatchObject({ code: "device_error", bytesOut: "all", retryable: true });
  });
});

describe("an endpoint that will not do", () => {
  it.each([
    ["is of another kind", answering("OPTIONS", () => ({ status: 200, body: "<html>" }))],
    ["speaks another version alone", answering("OPTIONS", withHeaders({ "tus-version": "0.2.2,2.0.0" }))],
    ["creates nothing", answering("OPTIONS", withHeaders({ "tus-extension": "expiration" }))],
    ["refuses our version", answering("POST", () => ({ status: 412 }))],
    ["creates nothing, and says 200", answering("POST", () => ({ status: 200, body: "ok" }))],
  ])("is told when it %s, and no byte leaves", async (_what, tamper) => {
    await using rig = await stage({ tamper }, {});
    const error = await rig.failure();
    expect(error).toMatchObject({ code: "unsupported", phase: "send", bytesOut: "none", retryable: false });
    expect(rig.server.control.received()).toEqual([]);
  });

  it.each([
    ["OPTIONS", 404, "refused"],
    ["OPTIONS", 405, "refused"],
    ["OPTIONS", 302, "redirected"],
    ["OPTIONS", 500, "device_error"],
    ["POST", 401, "refused"],
    ["POST", 403, "refused"],
    ["POST", 413, "refused"],
    ["POST", 503, "device_busy"],
    ["POST", 500, "device_error"],
  ] as const)("%s answered with %d is %s, before any byte", async (method, status, code) => {
    await using rig = await stage({ tamper: answering(method, () => ({ status, headers: { location: "/x" } })) }, {});
    const message = expect.stringContaining(`This was its answer to ${method} /files.`);
    expect(await rig.failure()).toMatchObject({ code, bytesOut: "none", reply: { status }, message });
    expect(rig.server.control.received()).toEqual([]);
  });

  it("names no place of the server's own where that refuses", async () => {
    await using rig = await stage({ tamper: answering("PATCH", () => ({ status: 403 })) }, {});
    const { message } = await rig.failure();
    expect(message).toMatch(/answer to PATCH of the upload at the place that it named\.$/);
  });

  it("is told before the first byte when it takes no artifact of this size", async () => {
    await using rig = await stage({ maxSize: 999_999 }, {});
    expect(await rig.failure()).toMatchObject({
      code: "artifact_too_large",
      bytesOut: "none",
      message: expect.stringContaining("999999"),
    });
    expect(rig.requests()).toEqual(["OPTIONS /files"]);
    await using exact = await stage({ maxSize: 1_000_000 }, {});
    expect(await exact.send()).toMatchObject({ bytes: 1_000_000 });
  });

  it.each([
    ["http://evil.example/files/1", "redirected"],
    ["https://127.0.0.1/files/1", "redirected"],
    ["//evil.example/files/1", "redirected"],
    ["/files/../../etc/passwd", "invalid_path"],
    ["/files/%2e%2e/1", "invalid_path"],
    ["\u0001", "malformed_reply"],
  ] as const)("is not followed to %j", async (location, code) => {
    await using rig = await stage({ tamper: answering("POST", withHeaders({ location })) }, {});
    const error = await rig.failure();
    expect(error).toMatchObject({ code, bytesOut: "none" });
    expect(error.message).not.toContain("evil");
    expect(rig.requests()).toEqual(["OPTIONS /files", "POST /files"]);
  });

  it("follows an absolute and a relative Location at its own origin alike", async () => {
    for (const location of ["absolute", "relative"] as const) {
      await using rig = await stage({ location }, {});
      expect(await rig.send()).toMatchObject({ remoteId: "/files/1" });
    }
  });
});

describe("an upload that is not wanted any more", () => {
  it("is terminated, twice too", async () => {
    await using rig = await stage({}, { checksum: false });
    rig.server.script({ on: "update", fault: { kind: "cut", at: 400_000 } });
    await rig.failure();
    const token = rig.token("/files/1");
    await rig.session.discard?.(token, rig.step());
    expect(rig.server.uploads()).toEqual([]);
    await rig.session.discard?.(token, rig.step());
    expect(await rig.failure({ resume: token })).toMatchObject({ code: "upload_gone" });
  });

  it("is left to expire where the server terminates none", async () => {
    await using rig = await stage({ extensions: ["creation"] }, {});
    await expect(rig.session.discard?.(rig.token("/files/1"), rig.step())).rejects.toMatchObject({
      code: "unsupported",
    });
    expect(rig.requests()).toEqual(["OPTIONS /files"]);
  });

  it("tells when the server would not", async () => {
    await using rig = await stage({ tamper: answering("DELETE", () => ({ status: 403 })) }, {});
    await rig.send();
    await expect(rig.session.discard?.(rig.token("/files/1"), rig.step())).rejects.toMatchObject({ code: "refused" });
  });
});

describe("credentials", () => {
  it("go with every request, the upload's own among them", async () => {
    await using rig = await stage({}, { checksum: false });
    const session = rig.another({ credentials: async () => ({ token: new Secret("s3cret") }) });
    await session.send(rig.artifact.payload, rig.step());
    const shown = rig.server.control.requests().map(({ headers }) => headers["authorization"]);
    expect(shown).toEqual(["Bearer s3cret", "Bearer s3cret", "Bearer s3cret"]);
  });
});

describe("a login that the device asks for", () => {
  const login = { username: "admin", password: "s3cret" };
  const knowing = (password: string) => ({
    credentials: async () => ({ username: "admin", password: new Secret(password) }),
  });

  it("is asked for by a request without bytes before each that has some", async () => {
    await using rig = await stage({ login }, { checksum: false, chunkBytes: 2 * blockSize });
    await rig.another(knowing("s3cret")).send(rig.artifact.payload, rig.step());
    const asked = rig.server.control.requests().map(({ method, headers }) => [method, "authorization" in headers]);
    expect(asked).toEqual([
      ["OPTIONS", false],
      ["OPTIONS", true],
      ["POST", true],
      ["HEAD", false],
      ["PATCH", true],
      ["HEAD", false],
      ["PATCH", true],
    ]);
    expect(rig.server.uploads()[0]).toMatchObject({ sha256: rig.artifact.digest });
  });

  it.each([
    ["wrong", "guessed"],
    ["missing", undefined],
  ])("is refused when it is %s, before any byte", async (_what, password) => {
    await using rig = await stage({ login }, {});
    const session = rig.another(password === undefined ? {} : knowing(password));
    const refused = { code: "refused", bytesOut: "none", reply: { status: 401 } };
    await expect(session.send(rig.artifact.payload, rig.step())).rejects.toMatchObject(refused);
    expect(rig.server.control.received()).toEqual([]);
  });
});

describe("profiles", () => {
  it.each([
    ["a method", { send: { method: "PUT" } }],
    ["a path", { send: { path: "//evil" } }],
    ["checks", { send: { checks: { "/ok": "true" } } }],
    ["a metadata key", { send: { form: { "a b": "c" } } }],
    ["a header of the protocol", { send: { headers: { "Upload-Offset": "0" } } }],
    ["the version header", { send: { headers: { "Tus-Resumable": "0.2.2" } } }],
    ["an unknown option", { options: { chunkSize: 1 } }],
    ["a part of no whole blocks", { options: { chunkBytes: 100_000 } }],
    ["a negative part", { chunkBytes: -blockSize }],
    ["a part that is text", { options: { chunkBytes: "8 MiB" } }],
    ["a flag that is text", { options: { checksum: "yes" } }],
    ["a mode of login", { auth: "ntlm" }],
    ["a request that no profile has", { upload: { path: "/x" } }],
    ["an inspection", { inspect: { pointer: "version" } }],
  ])("are refused with %s that does not fit", (_what, profile) => {
    expect(() => tus(profile as never)).toThrow(expect.objectContaining({ code: "invalid_profile", phase: "prepare" }));
  });

  it("of a device lie over the adapter's own, field by field", async () => {
    await using rig = await stage(
      { endpoint: "/up" },
      { send: { path: "/files", headers: { "x-a": "1" } }, chunkBytes: blockSize },
    );
    const profile = { send: { path: "/up" }, options: { chunkBytes: 0, checksum: false } };
    await rig.another({ profile }).send(rig.artifact.payload, rig.step());
    await rig.another({ profile }).send(rig.artifact.payload, rig.step());
    expect(rig.requests()).toEqual([
      "OPTIONS /up",
      "POST /up",
      "PATCH /up/1",
      "OPTIONS /up",
      "POST /up",
      "PATCH /up/2",
    ]);
    expect(rig.server.control.requests().every(({ headers }) => headers["x-a"] === "1")).toBe(true);
  });

  it("refuse a device's profile when it is bound", async () => {
    await using rig = await stage({});
    expect(() => rig.another({ profile: { options: { part: 1 } } })).toThrow(
      expect.objectContaining({ code: "invalid_profile" }),
    );
  });

  it("refuse a caller's header that the protocol sets", async () => {
    await using rig = await stage({});
    expect(await rig.failure({ headers: { "Upload-Length": "1" } })).toMatchObject({ code: "invalid_header" });
    expect(rig.requests()).toEqual([]);
  });
});
