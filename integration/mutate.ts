/**
 * Plants the defects of `mutations/` one at a time in a copy of the tree, and shows that the test named for each fails,
 * by its name. `npm run mutate -- <name> …`: some of them.
 */
import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { mutations } from "./mutations/index.ts";
import { type Found, runTests } from "./mutations/run.ts";
import type { Mutation } from "./mutations/types.ts";

const root = dirname(import.meta.dirname);
const left = new Set(["node_modules", ".git", "dist", "coverage"]);

function select(names: readonly string[]): readonly Mutation[] {
  const unknown = names.filter((name) => !mutations.some((mutation) => mutation.name === name));
  if (unknown.length > 0) throw new Error(`No such mutation: ${unknown.join(", ")}.`);
  return names.length === 0 ? mutations : mutations.filter(({ name }) => names.includes(name));
}

/** The tree as it stands, uncommitted changes included; what is installed is shared. */
function copyTree(): string {
  const copy = mkdtempSync(join(tmpdir(), "flashwave-mutate-"));
  cpSync(root, copy, {
    recursive: true,
    filter: (path) => dirname(path) !== root || !left.has(path.slice(root.length + 1)),
  });
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  return copy;
}

/** Plants a defect; what it gives back takes it out again. */
function plant(copy: string, { name, edits }: Mutation): () => void {
  const kept = new Map<string, string>();
  for (const { file, find, replace } of edits) {
    const path = join(copy, file);
    const text = readFileSync(path, "utf8");
    const stands = text.split(find).length - 1;
    if (stands !== 1) throw new Error(`${name}: its text stands ${stands} times in ${file}, not once.`);
    if (!kept.has(path)) kept.set(path, text);
    writeFileSync(
      path,
      text.replace(find, () => replace),
    );
  }
  return () => {
    for (const [path, text] of kept) writeFileSync(path, text);
  };
}

/** Why the named test did not catch the defect; nothing where it did. */
function escaped({ failed, passed, trouble }: Found): string | undefined {
  if (trouble !== undefined) return trouble;
  if (failed.length === 0) return passed === 0 ? "no test has that name" : "the test passed";
  // Code that does not even run would fail any test.
  const broken = failed.find(({ message }) => /^(?:ReferenceError|SyntaxError)\b/.test(message));
  return broken === undefined ? undefined : `the planted code does not run: ${broken.message}`;
}

const chosen = select(process.argv.slice(2));
const copy = copyTree();
const missed: string[] = [];
try {
  const clean = runTests(
    copy,
    chosen.map(({ test }) => test),
  );
  if (clean.trouble !== undefined || clean.failed.length > 0)
    throw new Error(
      `Without any defect: ${clean.trouble ?? clean.failed.map(({ name }) => `${name} fails`).join("; ")}`,
    );
  for (const mutation of chosen) {
    const takeOut = plant(copy, mutation);
    const why = escaped(runTests(copy, [mutation.test]));
    takeOut();
    console.log(`${why === undefined ? "caught" : "MISSED"}  ${mutation.name}: ${mutation.defect}`);
    console.log(`        ${mutation.test.file}: ${mutation.test.title}${why === undefined ? "" : ` (${why})`}`);
    if (why !== undefined) missed.push(mutation.name);
  }
} finally {
  rmSync(copy, { recursive: true, force: true });
}
console.log(
  `\n${chosen.length - missed.length} of ${chosen.length} planted defects were caught by the test named for them.`,
);
if (missed.length > 0) process.exitCode = 1;
const figures = process.env["FLASHWAVE_FIGURES"];
if (figures !== undefined) {
  const counted = { "defects planted": chosen.length, "caught by the named test": chosen.length - missed.length };
  appendFileSync(figures, `${JSON.stringify({ suite: "mutate", figures: counted })}\n`);
}
