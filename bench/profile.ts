/**
 * Where one trial's time and memory go: `npm run bench:profile <trial>`, `--peer <name>`, `--ms 3000`. Prints the
 * functions with most of their own, and leaves both profiles for a viewer.
 */
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { describeMachine } from "./machine.ts";
import { printTrial } from "./print.ts";
import { type CpuProfile, cpuByFunction, type HeapProfile, heapByFunction, type Share } from "./profiles.ts";
import { runTrial } from "./runner.ts";
import { select } from "./select.ts";
import { trials } from "./trials/index.ts";
import { Workshop } from "./workshop.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    peer: { type: "string" },
    ms: { type: "string", default: "3000" },
    top: { type: "string", default: "25" },
  },
});
const root = join(import.meta.dirname, "..");
const [trial] = select(trials, { trial: positionals[0] ?? "push-26" });
const peer = trial?.peers.find(
  ({ name }) => name === values.peer || (values.peer === undefined && /flashwave|push\(id\)|^sqlite$/.test(name)),
);
if (trial === undefined || peer === undefined) {
  throw new Error(`Peers of this trial: ${trial?.peers.map(({ name }) => name).join(", ")}.`);
}

const folder = join(
  root,
  "bench/results/tmp",
  `profile-${trial.name}-${new Date().toISOString().replaceAll(":", "-")}`,
);
mkdirSync(folder, { recursive: true });
await using shop = new Workshop();
const plan = {
  machine: describeMachine(),
  processes: 1,
  rounds: 1,
  roundMs: Number(values.ms),
  warmMs: 0,
  root,
  say: () => undefined,
};
const only = { ...trial, peers: [peer] };
const timed = { ...plan, nodeOptions: ["--cpu-prof", `--cpu-prof-dir=${folder}`] };
printTrial(await runTrial(only, timed, shop));
await runTrial(only, { ...plan, allocations: join(folder, "allocations.heapprofile") }, shop);

function read<T>(extension: string): T {
  const file = readdirSync(folder).find((name) => name.endsWith(extension));
  if (file === undefined) throw new Error(`Node wrote no ${extension}.`);
  return JSON.parse(readFileSync(join(folder, file), "utf8")) as T;
}

function print(title: string, shares: readonly Share[]): void {
  console.log(`\n${title}`);
  for (const { part, where } of shares.slice(0, Number(values.top))) {
    const place = where.replace(/(?:file:\/\/)?\/[^:]+/, (path) =>
      relative(root, path.startsWith("file:") ? fileURLToPath(path) : path),
    );
    console.log(`${(part * 100).toFixed(1).padStart(6)} %  ${place}`);
  }
}

print("Own CPU time", cpuByFunction(read<CpuProfile>(".cpuprofile")));
print("Own allocations, collected ones included (sampled)", heapByFunction(read<HeapProfile>(".heapprofile")));
console.log(`\nProfiles: ${relative(process.cwd(), folder)}`);
