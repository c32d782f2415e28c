import { describe, expect, it } from "vitest";
import { flagsOf } from "./flags.suite.ts";
import { profileOf } from "./profile.ts";

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
