import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { sweepFiles } from "./artifact-files.ts";

const nameOf = (n: number) => `${String(n).repeat(64)}.${"0".repeat(16)}`;

it("sweeps leftovers of a day away, beside another process that removes files meanwhile", async () => {
  const folder = mkdtempSync(join(tmpdir(), "flashwave-sweep-"));
  try {
    const [kept, fresh, left, leaving] = [nameOf(1), nameOf(2), nameOf(3), nameOf(4)];
    for (const name of [kept, fresh, left, leaving, "notes.txt"]) {
      writeFileSync(join(folder, name), "");
      if (name !== fresh) utimesSync(join(folder, name), 1, 1);
    }
    const isKept = async (name: string) => {
      if (name === leaving) rmSync(join(folder, name)); // its row went first, and its file goes now
      return name === kept;
    };
    await sweepFiles(folder, isKept, Date.now());
    expect(readdirSync(folder).sort()).toEqual([kept, fresh, "notes.txt"]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
