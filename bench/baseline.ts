/**
 * Records the kept baseline and renders BASELINE.md. `--only <group>` or `--trial <name>` records a part anew and keeps
 * the rest, each trial with the machine it was recorded on; `--render` only renders.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { describeMachine } from "./machine.ts";
import { printTrial } from "./print.ts";
import { type HistoryEntry, type Notes, render } from "./report.ts";
import { keptBeside, readResults, stringifyResults } from "./results.ts";
import { type Plan, runTrial } from "./runner.ts";
import { select } from "./select.ts";
import { trials } from "./trials/index.ts";
import type { Results, TrialResult } from "./types.ts";
import { Workshop } from "./workshop.ts";

const here = import.meta.dirname;
const resultsPath = join(here, "results/baseline.json");
const { values } = parseArgs({
  options: {
    only: { type: "string" },
    trial: { type: "string" },
    processes: { type: "string", default: "10" },
    render: { type: "boolean", default: false },
  },
});

function readJson<T>(name: string): T {
  return JSON.parse(readFileSync(join(here, name), "utf8")) as T;
}

function renderBaseline(results: Results): void {
  const text = render(results, readJson<Notes>("notes.json"), readJson<HistoryEntry[]>("history.json"));
  writeFileSync(join(here, "../BASELINE.md"), text);
}

function keep(machine: Results["machine"]): readonly TrialResult[] {
  if (!existsSync(resultsPath) || (values.only === undefined && values.trial === undefined)) return [];
  return keptBeside(readResults(resultsPath), machine);
}

async function record(): Promise<void> {
  const machine = describeMachine();
  const known = new Map(keep(machine).map((trial) => [trial.name, trial]));
  const plan: Plan = {
    machine,
    processes: Number(values.processes),
    rounds: 2,
    roundMs: 200,
    warmMs: 4_000,
    root: join(here, ".."),
    say: (text) => console.error(text),
  };
  await using shop = new Workshop();
  for (const trial of select(trials, { ...values, long: true })) {
    const result = await runTrial(trial, plan, shop);
    printTrial(result);
    known.set(trial.name, result);
    // Written after each trial: an hour's work is not lost to the last minute.
    const ordered = trials.map(({ name }) => known.get(name)).filter((kept) => kept !== undefined);
    writeFileSync(resultsPath, stringifyResults({ machine, mode: "baseline", trials: ordered }));
  }
}

if (!values.render) await record();
renderBaseline(readResults(resultsPath));
