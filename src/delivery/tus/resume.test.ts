import { describe, expect, it } from "vitest";
import { blockSize } from "../../bytes/index.ts";
import { answering, stage, type Tamper, withHeaders } from "./stage.suite.ts";

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
