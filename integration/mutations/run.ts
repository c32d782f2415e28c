import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { NamedTest } from "./types.ts";

/** What a run of named tests came to. */
export interface Found {
  readonly passed: number;
  readonly failed: readonly { readonly name: string; readonly message: string }[];
  /** Why it came to nothing: a file that did not load, or a run that did not end. */
  readonly trouble?: string;
}

interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly Assertion[];
  }[];
}

interface Assertion {
  readonly fullName: string;
  readonly status: string;
  readonly failureMessages?: readonly string[];
}

/** A hang is a failure too, and a test's own time limit ends it; this one is for what that does not reach. */
const patience = 180_000;

/** Runs the tests of these names in `root`, and no others. */
export function runTests(root: string, tests: readonly NamedTest[]): Found {
  const report = join(root, "mutate.json");
  rmSync(report, { force: true });
  const files = [...new Set(tests.map(({ file }) => file))];
  const names = tests.map(({ title }) => title.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")).join("|");
  const { signal } = spawnSync(
    process.execPath,
    [
      join(root, "node_modules/vitest/vitest.mjs"),
      "run",
      ...["--config", ".config/vitest.ts", "--testTimeout=15000", "--reporter=json", `--outputFile.json=${report}`],
      ...["--testNamePattern", names],
      ...files,
    ],
    // As in `npm test`: a named test may have a long form, and its figures are not ours to tell.
    {
      cwd: root,
      stdio: "ignore",
      timeout: patience,
      env: { ...process.env, FLASHWAVE_LONG: "", FLASHWAVE_FIGURES: "" },
    },
  );
  if (signal !== null || !existsSync(report)) return { passed: 0, failed: [], trouble: "the run did not end" };
  return read(JSON.parse(readFileSync(report, "utf8")) as Report, tests);
}

function read({ testResults }: Report, tests: readonly NamedTest[]): Found {
  const failed: { name: string; message: string }[] = [];
  let passed = 0;
  for (const { name: file, status, message, assertionResults } of testResults) {
    const titles = tests.filter((test) => file.endsWith(test.file)).map(({ title }) => title);
    const named = assertionResults.filter(({ fullName }) => titles.some((title) => fullName.includes(title)));
    // A file that fails without a failed test did not load, or failed outside of its tests.
    if (status === "failed" && !named.some((test) => test.status === "failed"))
      return { passed: 0, failed: [], trouble: `${file} failed outside of the test: ${message.slice(0, 200)}` };
    passed += named.filter((test) => test.status === "passed").length;
    for (const test of named.filter((found) => found.status === "failed"))
      failed.push({ name: test.fullName, message: test.failureMessages?.[0]?.split("\n")[0] ?? "" });
    const absent = titles.filter((title) => !named.some(({ fullName }) => fullName.includes(title)));
    if (absent.length > 0) return { passed: 0, failed: [], trouble: `${file} has no test "${absent.join('", "')}"` };
  }
  return { passed, failed };
}
