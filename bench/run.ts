/**
 * A quick look: every trial that does not take long, few rounds. `--long`: all trials, at least three seconds a case.
 * `--only <group>`, `--trial <name>`: a part. What it saw is left in `bench/results/tmp/latest.json`.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { describeMachine } from "./machine.ts";
import { printTrial } from "./print.ts";
import { stringifyResults } from "./results.ts";
import { type Plan, runTrial } from "./runner.ts";
import { select } from "./select.ts";
import { trials } from "./trials/index.ts";
import type { TrialResult } from "./types.ts";
import { Workshop } from "./workshop.ts";

const { values } = parseArgs({
  options: {
    long: { type: "boolean", default: false },
    only: { type: "string" },
    trial: { type: "string" },
  },
});

const plan: Plan = {
  machine: describeMachine(),
  processes: 1,
  rounds: values.long ? 7 : 5,
  roundMs: values.long ? 450 : 120,
  warmMs: values.long ? 4_000 : 2_500,
  root: join(import.meta.dirname, ".."),
  say: () => undefined,
};
const done: TrialResult[] = [];
await using shop = new Workshop();
for (const trial of select(trials, values)) {
  const result = await runTrial(trial, plan, shop);
  done.push(result);
  printTrial(result);
}
const folder = join(import.meta.dirname, "results/tmp");
mkdirSync(folder, { recursive: true });
const results = { machine: plan.machine, mode: values.long ? ("long" as const) : ("quick" as const), trials: done };
writeFileSync(join(folder, "latest.json"), stringifyResults(results));
