import { Command } from "commander";
import { describe, expect, it } from "vitest";
import type { Device } from "../core/index.ts";
import { type DeviceCommand, deviceCommand, type Flags } from "./flags.ts";
import {
  adaptersOf,
  artifactOptionsOf,
  clientOptionsOf,
  concurrencyOf,
  permitTyped,
  profileOf,
  updateOptionsOf,
} from "./wire.ts";

/** The flags as commander reads them, so that a misspelt option of ours cannot pass. */
function flagsOf(line: string, name: DeviceCommand = "update"): Flags {
  const words = line.match(/'[^']*'|\S+/g)?.map((word) => word.replaceAll("'", "")) ?? [];
  const command = deviceCommand(name, "").argument("[artifact]").exitOverride();
  new Command().addCommand(command.action(() => {})).parse([name, "fw.bin", ...words], { from: "user" });
  return command.opts<Flags>();
}

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

describe("flags → how devices are spoken to", () => {
  const headers = { authorization: "Bearer x" };
  it.each([
    ["", {}],
    ["--method PUT --path /fw", { send: { method: "PUT", path: "/fw" } }],
    ["--version-path /v --pointer /fw/version", { inspect: { path: "/v", pointer: "/fw/version" } }],
    ["--pattern 'fw (\\S+)'", { inspect: { pattern: "fw (\\S+)" } }],
    ["--text", { inspect: { text: true } }],
    ["--digest-pointer /sha", { inspect: { also: { digest: "/sha", bootId: "/bootId" } } }],
    ["--boot-pointer /boot", { inspect: { also: { bootId: "/boot" } } }],
    ["--pattern '(.*)' --digest-pointer /sha", { inspect: { pattern: "(.*)", also: { digest: "/sha" } } }],
    ["--activate-path /a", { activate: { path: "/a" } }],
    ["--commit-path /c --rollback-path /r", { commit: { path: "/c" }, rollback: { path: "/r" } }],
    [
      "--activate-path /a --header 'X-Key: k'",
      {
        send: { headers: { "x-key": "k" } },
        inspect: { headers: { "x-key": "k" } },
        health: { headers: { "x-key": "k" } },
        activate: { path: "/a", headers: { "x-key": "k" } },
      },
    ],
    ["--health-path /ok", { health: { path: "/ok" } }],
    ["--option chunk=5 --option mode=fr", { options: { chunk: 5, mode: "fr" } }],
    ["--no-health", { health: false }],
    ["--header 'Authorization: Bearer x'", { send: { headers }, inspect: { headers }, health: { headers } }],
    ["--no-health --header 'Authorization: Bearer x'", { send: { headers }, inspect: { headers }, health: false }],
  ])("%s", (line, options) => expect(profileOf(flagsOf(line))).toEqual(options));

  it("refuses pointers into an answer that is the version", () =>
    expect(() => profileOf(flagsOf("--text --digest-pointer /sha"))).toThrow("--text takes the whole answer"));

  it("refuses a health path that is not asked", () =>
    expect(() => profileOf(flagsOf("--health-path /ok --no-health"))).toThrow("exclude each other"));
});

describe("kinds → adapters", () => {
  const kindsOf = async (...devices: Partial<Device>[]) => {
    const { deliveries, probers } = await adaptersOf(
      devices.map((device, index) => ({ id: `${index}`, address: "http://10.0.0.1", ...device })),
      { options: { versionHeader: true }, inspect: { path: "/v" } },
    );
    return [deliveries.map(({ kind }) => kind), probers.map(({ kind }) => kind)];
  };

  it("makes each once, and a probe only where it differs", async () => {
    expect(await kindsOf({}, { delivery: "http" }, { probe: "http" })).toEqual([["http"], []]);
  });

  it("names the kinds that there are", async () => {
    await expect(kindsOf({ delivery: "gopher" })).rejects.toThrow(
      'There is no kind "gopher" for --via; there are http',
    );
    await expect(kindsOf({ probe: "toString" })).rejects.toThrow(
      'There is no kind "toString" for --probe; there are http',
    );
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

describe("what was typed is permitted", () => {
  const at = (address: string): Device => ({ id: address, address });
  const permitOf = async (...addresses: string[]) =>
    (await permitTyped({ addressPolicy: { permit: ["169.254.0.0/16"] } }, addresses.map(at))).addressPolicy?.permit;

  it.each([
    [["http://127.0.0.1:8080"], ["127.0.0.1"]],
    [["http://[::1]:8080"], ["::1"]],
    [["http://localhost:8080"], ["127.0.0.0/8", "::1"]],
    [["http://10.0.0.1", "http://device.example"], []],
    [["http://127.0.0.1:1", "http://127.0.0.1:2"], ["127.0.0.1"]],
  ])("%j", async (addresses, typed) => expect(await permitOf(...addresses)).toEqual(["169.254.0.0/16", ...typed]));

  it.each(["ftp://10.0.0.1", "http://10.0.0", "http://10.0.0.1/path", "http://u:p@10.0.0.1"])(
    "%s is refused before anything is sent",
    async (address) => {
      await expect(permitOf(address)).rejects.toMatchObject({ code: "invalid_address" });
    },
  );
});
