import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { blockSize } from "../../bytes/index.ts";
import { pattern } from "../suite/trial.suite.ts";
import { answering, stage, type Tamper, withHeaders } from "./stage.suite.ts";

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
