/**
 * Says whether the product got faster or slower. Without more: this tree against the kept baseline, each process's
 * figure relative to the trial's reference peer in the same turn, so that a slower day does not look like a slower
 * product. `--against <folder>`: this tree against another checkout (its dependencies installed), both in turn.
 */
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { judge, type Pairing, printJudgement } from "./judgement.ts";
import { describeMachine, differences } from "./machine.ts";
import { readResults } from "./results.ts";
import { type Plan, runTrial } from "./runner.ts";
import { select } from "./select.ts";
import { byProcess } from "./statistics.ts";
import { trials } from "./trials/index.ts";
import type { Metric, PeerResult, Trial, TrialResult } from "./types.ts";
import { Workshop } from "./workshop.ts";

const here = import.meta.dirname;
const { values } = parseArgs({
  options: {
    against: { type: "string" },
    only: { type: "string" },
    trial: { type: "string" },
    long: { type: "boolean", default: false },
    processes: { type: "string", default: "10" },
  },
});
const plan: Plan = {
  machine: describeMachine(),
  processes: Math.max(10, Number(values.processes)),
  rounds: 2,
  roundMs: 200,
  warmMs: 4_000,
  root: join(here, ".."),
  say: (text) => console.error(text),
};
const isOurs = (module: string): boolean => /(flashwave|load|registered)\.ts$/.test(module);
const metricsOf = (trial: Trial): readonly Metric[] =>
  trial.judgedBy === "heap" ? ["heap"] : [trial.judgedBy, "heap"];
const find = (result: TrialResult | undefined, name: string): PeerResult | undefined =>
  result?.peers.find((peer) => peer.name === name);

async function againstCheckout(trial: Trial, root: string, shop: Workshop): Promise<readonly Pairing[]> {
  const ours = trial.peers.filter(({ module }) => isOurs(module));
  const peers = ours.flatMap((peer) => [{ ...peer, name: `${peer.name} before`, root }, peer]);
  const result = await runTrial({ ...trial, peers }, plan, shop);
  return ours.flatMap(({ name }) =>
    metricsOf(trial).map((metric) => ({
      what: `${trial.name} / ${name}: ${metric}`,
      before: figures(find(result, `${name} before`), metric),
      after: figures(find(result, name), metric),
    })),
  );
}

async function againstBaseline(
  trial: Trial,
  before: TrialResult | undefined,
  shop: Workshop,
): Promise<readonly Pairing[]> {
  const peers = trial.peers.filter(({ module, name }) => isOurs(module) || name === trial.reference);
  const after = await runTrial({ ...trial, peers }, plan, shop);
  const relative = (result: TrialResult | undefined, name: string, metric: Metric): readonly number[] => {
    const base = figures(find(result, trial.reference), metric);
    return figures(find(result, name), metric).map((value, process) => value / (base[process] ?? Number.NaN));
  };
  return peers
    .filter(({ module, name }) => isOurs(module) && name !== trial.reference)
    .flatMap(({ name }) =>
      metricsOf(trial).map((metric) => ({
        what: `${trial.name} / ${name}: ${metric} ÷ ${trial.reference}`,
        before: relative(before, name, metric),
        after: relative(after, name, metric),
      })),
    );
}

function figures(peer: PeerResult | undefined, metric: Metric): readonly number[] {
  if (peer?.skipped !== undefined) console.error(`${peer.name}: ${peer.skipped}`);
  return peer === undefined ? [] : byProcess(peer, metric);
}

const baseline = values.against === undefined ? readResults(join(here, "results/baseline.json")) : undefined;
const chosen = select(trials, values);
for (const { name, machine = baseline?.machine ?? plan.machine } of baseline?.trials ?? []) {
  const different = chosen.some((trial) => trial.name === name) ? differences(machine, plan.machine) : [];
  if (different.length === 0) continue;
  console.error(`Not compared: the baseline of ${name} is of another machine.\n  ${different.join("\n  ")}`);
  console.error("Record one here (npm run bench:baseline), or compare two checkouts (-- --against <folder>).");
  process.exit(1);
}
await using shop = new Workshop();
const pairings: Pairing[] = [];
for (const trial of chosen) {
  if (!trial.peers.some(({ module }) => isOurs(module))) continue;
  const before = baseline?.trials.find(({ name }) => name === trial.name);
  const made =
    values.against === undefined
      ? await againstBaseline(trial, before, shop)
      : await againstCheckout(trial, resolve(values.against), shop);
  pairings.push(...made);
}
const judgements = judge(pairings);
printJudgement(judgements);
if (judgements.some(({ verdict }) => verdict === "worse")) process.exitCode = 2;
