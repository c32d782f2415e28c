import { describe, expect, it } from "vitest";
import { blockSize } from "../../bytes/index.ts";
import { answering, stage, withHeaders } from "./stage.suite.ts";

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
