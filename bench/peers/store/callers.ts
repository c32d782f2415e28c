import { monitorEventLoopDelay } from "node:perf_hooks";
import { runClients } from "../../../integration/registry-clients.ts";
import { startOf, violationsOf } from "../../../integration/registry-integrity.ts";
import type { Context, Counts, Operation, Runner, Told } from "../../types.ts";
import { pick, pumpPromises } from "../shared.ts";
import { openEmpty } from "./open.ts";
import { type Operate, operations } from "./operations.ts";
import { fill } from "./work.ts";

const clientsRunMs = 10_000;

/** Callers who read, or clients who read and write for ten seconds, each call from a turn of the event loop of its own. */
export async function prepare(context: Context): Promise<Runner> {
  const opened = await openEmpty(context);
  const { registry } = opened;
  const { inFlight, operation } = context.parameters;
  const close = async (): Promise<void> => opened[Symbol.asyncDispose]();
  if (operation === "clients") {
    const start = await startOf(registry);
    const run = async (): Promise<Told> => {
      const end = performance.now() + clientsRunMs;
      const stop = watchLoop();
      const report = await runClients(registry, { clients: inFlight, isOver: () => performance.now() >= end });
      const delays = stop();
      const broken = [...report.violations, ...(await violationsOf(registry, start))];
      return { ops: report.operations, counts: { errors: report.errors.length, violations: broken.length, ...delays } };
    };
    return { run, close };
  }
  const known = await operations(registry.profiles, await fill(registry, context.parameters.profiles ?? 1_000));
  const mix: readonly Operation[] = ["page", "changes", "resolve-siblings", "overrides-ten"];
  const reads = mix.map((name) => known[name] as Operate);
  return { run: (ops) => read(reads, inFlight, ops), close };
}

async function read(reads: readonly Operate[], callers: number, ops: number): Promise<Told> {
  let errors = 0;
  const stop = watchLoop();
  await pumpPromises(callers, ops, async (index) => {
    await new Promise((resolve) => setImmediate(resolve));
    await pick(
      reads,
      index,
    )(index).catch(() => {
      errors += 1;
    });
  });
  return { counts: { errors, ...stop() } };
}

/** How late the event loop was for a timer of a millisecond. */
function watchLoop(): () => Counts {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  return () => {
    delay.disable();
    return { "loop p99, ms": rounded(delay.percentile(99)), "loop max, ms": rounded(delay.max) };
  };
}

const rounded = (nanoseconds: number): number => Math.round(nanoseconds / 1e4) / 100;
