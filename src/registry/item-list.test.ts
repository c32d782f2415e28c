import { describe, expect, it } from "vitest";
import type { ProfileItem } from "../core/profile-registry.ts";
import { readItems, writeItems } from "./item-list.ts";

describe("a list of items", () => {
  it("is read as it was written, frozen", () => {
    const items: readonly ProfileItem[] = [
      { purpose: "send", kind: "header", name: "a", value: "1" },
      { purpose: "inspect", kind: "check", name: "", enabled: false },
      { purpose: "health", kind: "query", name: "q", value: "", enabled: true },
      { purpose: "commit", kind: "form", name: "inherits" },
    ];
    const read = readItems(writeItems(items));
    expect(read).toStrictEqual(items);
    expect([read, ...read].every(Object.isFrozen)).toBe(true);
    expect(readItems(writeItems([]))).toStrictEqual([]);
  });

  it.each([
    '[["send","header","a"]',
    '{"0":["send","header","a"]}',
    "[null]",
    '["send"]',
    '[{"purpose":"send","kind":"header","name":"a"}]',
    '[["send","header"]]',
    '[["move","header","a"]]',
    '[["send","cookie","a"]]',
    '[["send","header",["a"]]]',
    '[["send","header","a",{}]]',
    '[["send","header","a","1",0]]',
    '[["send","header","a","1",null]]',
  ])("is not read from %s", (text) => {
    expect(() => readItems(text)).toThrow(expect.objectContaining({ code: "registry_failed" }));
  });
});
