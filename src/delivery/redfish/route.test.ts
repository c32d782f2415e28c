import { describe, expect, it } from "vitest";
import type { Payload } from "../../core/payload.ts";
import type { Publisher } from "../../core/publication.ts";
import type { JsonValue } from "../shared/json.ts";
import { bodyOf, chooseRoute } from "./route.ts";
import { createPlans, type RedfishOptions } from "./settings.ts";

const origin = "https://bmc.example";
const both = { HttpPushUri: "/raw", MultipartHttpPushUri: "/form" };
const planOf = (options: RedfishOptions = {}) => createPlans(options).sending(undefined);
const choose = (updates: object, options?: RedfishOptions) =>
  chooseRoute(structuredClone(updates) as JsonValue, planOf(options), origin);
const pulling = { Actions: { "#UpdateService.SimpleUpdate": { target: "/order" } } };
const publisher: Publisher = { publish: () => Promise.reject(new Error("not asked")) };
const onReset = { HttpPushUriOptions: { HttpPushUriApplyTime: { ApplyTime: "OnReset" } } };

describe("the way that an image goes", () => {
  it.each<readonly [what: string, updates: object, options: RedfishOptions, route: object]>([
    ["multipart first", both, {}, { kind: "multipart", path: "/form", staged: false }],
    ["raw, where asked for", both, { push: "raw" }, { kind: "raw", path: "/raw" }],
    ["raw, where there is nothing else", { HttpPushUri: "/raw" }, {}, { kind: "raw", path: "/raw" }],
    ["raw, where the other leads away", { ...both, MultipartHttpPushUri: "http://x/" }, {}, { kind: "raw" }],
    ["fetched, where there is nothing else", pulling, { publisher }, { kind: "pull", path: "/order", publisher }],
    ["fetched, where asked for", { ...both, ...pulling }, { publisher, push: "pull" }, { kind: "pull" }],
    ["pushed, where it can be", { ...both, ...pulling }, { publisher }, { kind: "multipart" }],
    ["a whole URL of its own", { HttpPushUri: `${origin}/raw` }, {}, { path: "/raw" }],
    ["the limit", { ...both, MaxImageSizeBytes: 1_000 }, {}, { limit: 1_000 }],
    ["no limit that is none", { ...both, MaxImageSizeBytes: "big" }, {}, { limit: undefined }],
    ["no limit of nothing", { ...both, MaxImageSizeBytes: 0 }, {}, { limit: undefined }],
    ["staged by its own setting", { ...both, ...onReset }, {}, { staged: true }],
    ["at once, where asked for", { ...both, ...onReset }, { applyTime: "Immediate" }, { staged: false }],
    ["later, where asked for", both, { applyTime: "InMaintenanceWindowOnReset" }, { staged: true }],
    [
      "raw and later, as it does anyway",
      { HttpPushUri: "/raw", ...onReset },
      { applyTime: "OnReset" },
      { staged: true },
    ],
  ])("%s", (_, updates, options, route) => expect(choose(updates, options)).toMatchObject(route));

  it.each<readonly [what: string, updates: object, options: RedfishOptions, says: string]>([
    ["none", {}, {}, "names no way to send an image (multipart, raw)"],
    ["none of the kind", { HttpPushUri: "/raw" }, { push: "multipart" }, "names no way to send an image (multipart)"],
    ["elsewhere", { HttpPushUri: "http://evil/" }, {}, "another origin"],
    ["no URI", { MultipartHttpPushUri: 7 }, {}, "nowhere"],
    ["to be fetched, and no publisher", pulling, { push: "pull" }, "no publisher"],
    ["to be fetched, and no order for it", both, { push: "pull", publisher }, "(pull)"],
    ["raw, but targets", { HttpPushUri: "/raw" }, { targets: "/a" }, "no targets"],
    ["raw, but forced", { HttpPushUri: "/raw" }, { forceUpdate: false }, "forceUpdate"],
    ["raw, but later", { HttpPushUri: "/raw" }, { applyTime: "OnReset" }, "apply time"],
  ])("nowhere: %s", (_, updates, options, says) => {
    expect(choose(updates, options)).toEqual({ problem: expect.stringContaining(says) });
  });
});

describe("the body", () => {
  const bytes = Buffer.from("image");
  const payload = (name: string): Payload => ({
    artifact: { name, version: "2", length: bytes.length, digest: "" },
    slice: () => bytes,
    hash: async () => "",
  });
  const text = (name: string, options: RedfishOptions) => {
    const route = { kind: "multipart", path: "/form", staged: false } as const;
    const { contentType, segments, before } = bodyOf(route, planOf(options), payload(name));
    const whole = Buffer.concat(segments as Uint8Array[]);
    expect(whole.subarray(before, before + bytes.length)).toEqual(bytes);
    return { contentType, lines: whole.toString().split("\r\n") };
  };

  it("is a form of parameters and file", () => {
    const { contentType, lines } = text("fw.bin", { targets: " /a  /b", applyTime: "OnReset", forceUpdate: true });
    const boundary = contentType.split("boundary=")[1];
    expect(lines).toEqual([
      `--${boundary}`,
      'Content-Disposition: form-data; name="UpdateParameters"',
      "Content-Type: application/json",
      "",
      '{"Targets":["/a","/b"],"@Redfish.OperationApplyTime":"OnReset","ForceUpdate":true}',
      `--${boundary}`,
      'Content-Disposition: form-data; name="UpdateFile"; filename="fw.bin"',
      "Content-Type: application/octet-stream",
      "",
      "image",
      `--${boundary}--`,
      "",
    ]);
  });

  it.each([
    ["../../etc/passwd", ".._.._etc_passwd"],
    ['a"; rm -rf /', "a_rm_-rf_"],
    ["ファーム.bin", "_.bin"],
    ["", "firmware.bin"],
  ])("names the file %j without harm", (name, filename) => {
    expect(text(name, {}).lines).toContain(`Content-Disposition: form-data; name="UpdateFile"; filename="${filename}"`);
  });
});
