import { describe, expect, it } from "vitest";
import { compilePattern, firstGroup } from "./pattern.ts";

const match = (source: string, text: string) => {
  const compiled = compilePattern(source);
  return "pattern" in compiled ? firstGroup(compiled.pattern, text) : compiled;
};

describe("patterns", () => {
  it("finds the first group", () => {
    expect(match("v(\\d+(?:\\.\\d+)+)", "<td>Firmware v12.4.1(tasmota)</td>")).toEqual({ group: "12.4.1" });
  });

  it("finds nothing where nothing matches, and where the group took no part", () => {
    expect(match("v(\\d+)", "none")).toEqual({});
    expect(match("a|(b)", "a")).toEqual({});
  });

  it("gives up on a match that would never end", () => {
    expect(match("(a+)+$", `${"a".repeat(64)}b`)).toEqual({ tooSlow: true });
    expect(match("(a)", "a")).toEqual({ group: "a" });
  });

  it.each([
    ["\\d+", "has no group: put the version in ( )"],
    ["(?:\\d+)", "has no group: put the version in ( )"],
    ["(", "is not a regular expression"],
    [`(${"a".repeat(1024)})`, "is longer than 1024 characters"],
  ])("%.10s is no pattern", (source, problem) => {
    expect(compilePattern(source)).toEqual({ problem });
  });
});
