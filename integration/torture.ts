/**
 * The long form of every suite that has one, one after the other; what they counted is kept in `long-results.json` and
 * shown in SECURITY.md. `npm run torture -- fuzz flat`: some of them, the figures of the others are kept.
 * `FLASHWAVE_SEED=<n>` replays a run, `--render` only renders.
 */
import { spawnSync } from "node:child_process";
import { randomInt } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { describeMachine } from "../bench/machine.ts";
import { collectFigures, readResults, resultsPath, type SuiteResult, withFigures } from "./long-results.ts";
import { type LongSuite, longSuites } from "./long-suites.ts";

const root = dirname(import.meta.dirname);
const security = join(root, "SECURITY.md");

function select(names: readonly string[]): readonly LongSuite[] {
  const known: readonly string[] = longSuites.map(({ name }) => name);
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new Error(`No such suite: ${unknown.join(", ")}. There are ${known.join(", ")}.`);
  return names.length === 0 ? longSuites : longSuites.filter(({ name }) => names.includes(name));
}

/** What runs a suite; a runner of tests leaves its counts in `report`. */
function commandOf({ runs }: LongSuite, report: string): readonly string[] {
  if ("program" in runs) return [runs.program];
  const vitest = join(root, "node_modules/vitest/vitest.mjs");
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  return [vitest, "run", "--config", ".config/vitest.ts", ...reporters, ...runs];
}

/** Runs one suite; nothing where it failed. */
function run(suite: LongSuite, seed: number): SuiteResult | undefined {
  const { name, about } = suite;
  const folder = mkdtempSync(join(tmpdir(), "flashwave-torture-"));
  try {
    const [figures, report] = [join(folder, "figures.ndjson"), join(folder, "report.json")];
    const env = { ...process.env, FLASHWAVE_LONG: "1", FLASHWAVE_SEED: String(seed), FLASHWAVE_FIGURES: figures };
    const started = performance.now();
    const { status } = spawnSync(process.execPath, commandOf(suite, report), { cwd: root, stdio: "inherit", env });
    if (status !== 0) return undefined;
    const counted = collectFigures(existsSync(figures) ? readFileSync(figures, "utf8") : "", name);
    if (Object.keys(counted).length === 0) throw new Error(`The suite "${name}" told no figure.`);
    const { cpu, cores, os, node, undici } = describeMachine();
    return {
      name,
      about,
      recordedAt: new Date().toISOString(),
      seed,
      seconds: Math.round((performance.now() - started) / 1_000),
      figures: { ...counted, ...passedIn(report) },
      machine: `${cpu}, ${cores} cores, ${os}`,
      versions: { Node: node, undici },
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function passedIn(report: string): Readonly<Record<string, number>> {
  if (!existsSync(report)) return {};
  const { numPassedTests } = JSON.parse(readFileSync(report, "utf8")) as { numPassedTests: number };
  return { "tests passed": numPassedTests };
}

/** Written after each suite: an hour's work is not lost to the last one. */
function keep(result: SuiteResult): void {
  const known = new Map(readResults().map((kept) => [kept.name, kept]));
  known.set(result.name, result);
  const ordered = longSuites.map(({ name }) => known.get(name)).filter((kept) => kept !== undefined);
  writeFileSync(resultsPath, `${JSON.stringify(ordered, undefined, 2)}\n`);
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { render: { type: "boolean", default: false } },
});
const seed = Number(process.env["FLASHWAVE_SEED"] ?? randomInt(2 ** 32));
const failed: string[] = [];
for (const suite of values.render ? [] : select(positionals)) {
  console.log(`\n${suite.name}: ${suite.about} (FLASHWAVE_SEED=${seed})`);
  const result = run(suite, seed);
  if (result === undefined) failed.push(suite.name);
  else keep(result);
}
writeFileSync(security, withFigures(readFileSync(security, "utf8"), readResults()));
if (failed.length > 0) {
  console.error(`Failed, and not recorded: ${failed.join(", ")}. Replay with FLASHWAVE_SEED=${seed}.`);
  process.exitCode = 1;
}
