import { describe, expect, it } from "vitest";
import { blockSize } from "../../bytes/index.ts";
import { tus } from "./index.ts";
import { stage } from "./stage.suite.ts";

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
