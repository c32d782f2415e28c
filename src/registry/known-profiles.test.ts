import { describe, expect, it } from "vitest";
import type { ProfileRow } from "../core/profile-registry.ts";
import { KnownProfiles } from "./known-profiles.ts";

const row = (revision: number): ProfileRow => ({
  ...{ id: `p${revision}`, name: "P", scope: "fleet", requests: {}, items: [], options: {} },
  ...{ createdAt: 1, updatedAt: 1, revision },
});

/** Asks for rows in turn; returns how many of them had to be read. */
function ask(known: KnownProfiles, from: number, count: number, text = ""): number {
  let reads = 0;
  for (let revision = from; revision < from + count; revision += 1) {
    if (known.get(revision)?.revision === revision) continue;
    reads += 1;
    known.add(row(revision), [text, 1, null]);
  }
  return reads;
}

describe("rows of profiles", () => {
  it("are remembered once they are asked for again", () => {
    const known = new KnownProfiles();
    expect([1, 2, 3, 4].map(() => ask(known, 0, 1_000))).toEqual([1_000, 1_000, 0, 0]);
  });

  it("are remembered in the end, as many as fit", () => {
    const known = new KnownProfiles();
    for (let walk = 0; walk < 8; walk += 1) ask(known, 0, 2_000);
    expect(ask(known, 0, 2_000)).toBe(0);
  });

  it("stay while somebody walks through more than fit", () => {
    const known = new KnownProfiles();
    const page = () => ask(known, 1, 50);
    page();
    page();
    for (let walk = 0; walk < 3; walk += 1) expect(ask(known, 100, 10_000)).toBe(10_000);
    expect(page()).toBe(0);
  });

  it("go one by one, the oldest first, where there is no more room", () => {
    const known = new KnownProfiles();
    for (let from = 0; from < 2_100; from += 100) {
      ask(known, from, 100);
      ask(known, from, 100);
    }
    expect([ask(known, 52, 2_048), ask(known, 0, 52)]).toEqual([0, 52]);
  });

  it("are not remembered when they are large", () => {
    const known = new KnownProfiles();
    for (const length of [8_192, 8_193]) {
      const reads = [1, 2, 3].map(() => ask(known, length, 1, "x".repeat(length)));
      expect(reads).toEqual(length === 8_192 ? [1, 1, 0] : [1, 1, 1]);
    }
  });
});
