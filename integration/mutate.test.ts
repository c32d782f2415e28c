import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { mutations } from "./mutations/index.ts";

const root = dirname(import.meta.dirname);
const read = (file: string): string => readFileSync(join(root, file), "utf8");

// That each is caught is shown by `npm run mutate`; here, that each can still be planted and its test is still there.
describe("planted defects", () => {
  it("are of at least twenty kinds, each with a name of its own", () => {
    expect(mutations.length).toBeGreaterThanOrEqual(20);
    expect(new Set(mutations.map(({ name }) => name)).size).toBe(mutations.length);
  });

  it.each(mutations)("$name: $defect", ({ edits, test: { file, suite = file, title } }) => {
    for (const { file: source, find, replace } of edits) {
      expect(read(source).split(find).length - 1, `${source}: ${find}`).toBe(1);
      expect(replace).not.toBe(find);
    }
    expect(existsSync(join(root, file))).toBe(true);
    expect(read(suite), suite).toContain(title);
  });
});
