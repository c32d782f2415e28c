import { describe, expect, it } from "vitest";
import { artifactOptionsOf, clientOptionsOf, concurrencyOf, updateOptionsOf } from "./client-options.ts";
import { flagsOf } from "./flags.suite.ts";

describe("flags → client options", () => {
  it.each([
    ["--concurrency 8", { limits: { inFlight: 8 } }],
    ["--rate 2M", { limits: { bytesPerSecond: 2_000_000 } }],
    ["--attempts 5", { retry: { attempts: 5 } }],
    ["--deadline 15m --stable-for 5s", { verification: { deadline: 900_000, stableFor: 5_000 } }],
    ["--connect-timeout 3s", { timeouts: { connect: 3_000 } }],
    ["--stall-timeout 4s --response-timeout 5s", { timeouts: { stall: 4_000, response: 5_000 } }],
    ["--quiet-period 1s", { retry: { quietPeriod: 1_000 } }],
    ["--no-new-boot", { verification: { newBoot: false } }],
    ["--permit 10.0.0.0/8 fd00::/8", { addressPolicy: { permit: ["10.0.0.0/8", "fd00::/8"] } }],
    ["--pin sha256/a= --pin sha256/b=", { tls: { pins: ["sha256/a=", "sha256/b="] } }],
  ])("%s", (line, options) => {
    const none = { addressPolicy: { permit: [] }, tls: {}, timeouts: {}, retry: {}, limits: {}, verification: {} };
    expect(clientOptionsOf(flagsOf(line))).toEqual({ ...none, ...options });
  });

  it.each(["--stable-for 2s --deadline 1s", "--deadline 4s", "--stable-for 16m"])(
    "%s: nothing could be proven",
    (line) => {
      expect(() => clientOptionsOf(flagsOf(line))).toThrow("is longer than --deadline");
    },
  );

  it("hands the files of --ca, --cert and --key on", () =>
    expect(clientOptionsOf({}, { ca: "CA", cert: "CERT", key: "KEY" }).tls).toEqual({
      ca: "CA",
      cert: "CERT",
      key: "KEY",
    }));

  it("reads at most as many devices at once as it would push", () => {
    expect(concurrencyOf(flagsOf("--concurrency 3", "inspect"))).toBe(3);
    expect(concurrencyOf({})).toBe(64);
  });
});

describe("flags → artifact and update", () => {
  it.each([
    ["--firmware-version 2.0.0 --digest ab", { version: "2.0.0", digest: "ab" }],
    ["", {}],
  ])("%s", (line, options) => expect(artifactOptionsOf(flagsOf(line))).toEqual(options));

  it.each([
    ["", { force: false, verify: true }],
    ["--force --no-verify", { force: true, verify: false }],
  ])("%s", (line, options) => expect(updateOptionsOf(flagsOf(line))).toEqual(options));
});
