import { describe, expect, it } from "vitest";
import { answering, stage, withHeaders } from "./stage.suite.ts";

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
