import { join } from "node:path";
import { Child } from "./child.ts";
import { pinned } from "./machine.ts";
import type { Machine, Parameters, PeerResult, PeerSpec, PlacedSample, Sample, Trial, TrialResult } from "./types.ts";
import { isGo, type Workshop } from "./workshop.ts";

export interface Plan {
  readonly machine: Machine;
  /** Processes per peer, one after another, the peers in turn. */
  readonly processes: number;
  /** Rounds per process. */
  readonly rounds: number;
  /** Milliseconds a round should take. */
  readonly roundMs: number;
  /** Milliseconds of work before the first round. */
  readonly warmMs: number;
  /** The tree whose `src` is measured. */
  readonly root: string;
  readonly say: (text: string) => void;
  /** Further options for the Node peers. */
  readonly nodeOptions?: readonly string[];
  /** See `Order.allocations`. */
  readonly allocations?: string;
}

const here = import.meta.dirname;

function missing(peer: PeerSpec, machine: Machine, shop: Workshop): string | undefined {
  if (isGo(peer.module)) return machine.go === "" ? "Go not installed" : unbuilt(peer.module, shop);
  if (peer.module.endsWith("curl.ts") && machine.curl === "") return "curl not installed";
  return undefined;
}

function unbuilt(module: string, shop: Workshop): string | undefined {
  try {
    shop.go(module);
    return undefined;
  } catch (error) {
    return reason(error);
  }
}

interface Servers {
  readonly port: number;
  readonly postgres?: string;
}

function commandOf(trial: Trial, peer: PeerSpec, servers: Servers, plan: Plan, shop: Workshop): readonly string[] {
  const parameters: Parameters = { ...trial.parameters, ...peer.parameters };
  const order = JSON.stringify({
    parameters,
    ...servers,
    file: parameters.body === undefined || parameters.body.startsWith("memory") ? "" : shop.file(parameters.bytes ?? 0),
    root: peer.root ?? plan.root,
    module: new URL(peer.module, import.meta.url).href,
    folder: shop.folder,
    memory: trial.memory === true,
    allocations: plan.allocations,
  });
  const command = isGo(peer.module)
    ? [shop.go(peer.module), order]
    : [
        process.execPath,
        "--expose-gc",
        "--no-warnings",
        ...(plan.nodeOptions ?? []),
        join(here, "trial-main.ts"),
        order,
      ];
  return pinned(0, plan.machine, command);
}

/** Operations after which nothing gets faster. */
const enough = 150_000;

/** Doubles the work until a round fills its time, then goes on until the code is warm. Says how much work fills a round. */
async function warmUp(child: Child, roundMs: number, warmMs: number): Promise<number> {
  let spent = 0;
  let done = 0;
  for (let ops = 1; ; ) {
    const { wallNs } = JSON.parse(await child.ask(String(ops))) as Sample;
    const ms = wallNs / 1e6;
    spent += ms;
    done += ops;
    const fitting = Math.max(1, Math.round((ops * roundMs) / ms));
    if ((spent >= warmMs || done >= enough) && ms >= roundMs / 4) return fitting;
    ops = Math.min(ops * 2, fitting);
  }
}

interface Contender {
  readonly peer: PeerSpec;
  readonly samples: PlacedSample[];
  skipped: string | undefined;
}

/** A peer's process, started and, unless the trial is about a fresh one, warm. */
class Running implements AsyncDisposable {
  readonly #contender: Contender;
  readonly #child: Child;
  #ops = 0;

  constructor(contender: Contender, child: Child) {
    this.#contender = contender;
    this.#child = child;
  }

  /** A peer that fails is told apart, and the others go on. */
  async #guard(work: () => Promise<void>): Promise<void> {
    if (this.#contender.skipped !== undefined) return;
    try {
      await work();
    } catch (error) {
      this.#contender.skipped = reason(error);
    }
  }

  prepare(trial: Trial, plan: Plan): Promise<void> {
    return this.#guard(async () => {
      await this.#child.line();
      const warmMs = Math.min(plan.warmMs, trial.warmMs ?? plan.warmMs);
      this.#ops = trial.ops ?? (await warmUp(this.#child, plan.roundMs, warmMs));
      if (trial.ops !== undefined && trial.cold !== true) await this.#child.ask(String(this.#ops));
    });
  }

  /**
   * Half a round goes before the one that counts: a process that waited for its peers' turns has lost part of its
   * optimised code (a push took 41 µs in the first round after the wait, 28 µs in the next).
   */
  round(process_: number, round: number, warm: boolean): Promise<void> {
    return this.#guard(async () => {
      if (warm) await this.#child.ask(String(Math.ceil(this.#ops / 2)));
      const sample = JSON.parse(await this.#child.ask(String(this.#ops))) as Sample;
      this.#contender.samples.push({ process: process_, round, ...sample });
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#child[Symbol.asyncDispose]();
  }
}

/** One process per peer. Warm ones live side by side and take turns round by round, fresh ones come one by one. */
async function generation(
  trial: Trial,
  contenders: readonly Contender[],
  process_: number,
  start: (contender: Contender) => Running,
  plan: Plan,
): Promise<void> {
  const inTurn = <T>(list: readonly T[], turn: number): readonly T[] => (turn % 2 === 0 ? list : list.toReversed());
  if (trial.cold === true) {
    for (const contender of inTurn(contenders, process_)) {
      await using running = start(contender);
      await running.prepare(trial, plan);
      await running.round(process_, 0, false);
    }
    return;
  }
  await using stack = new AsyncDisposableStack();
  const all = contenders.map((contender) => stack.use(start(contender)));
  for (const running of all) await running.prepare(trial, plan);
  for (let round = 0; round < plan.rounds; round++) {
    for (const running of inTurn(all, process_ + round)) await running.round(process_, round, true);
  }
}

function reason(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const line = /^\w*Error.*$/m.exec(text)?.[0] ?? text.split("\n")[0] ?? "failed";
  // What is recorded is published: no paths of this machine.
  return line.replace(/(?:file:\/\/)?\/[^\s'"]+\//g, "").slice(0, 120);
}

/** The server's connection string, or why there is none; nothing where no peer asks for it. */
async function postgresFor(trial: Trial, plan: Plan, shop: Workshop): Promise<string | Error | undefined> {
  if (!trial.peers.some(({ postgres }) => postgres === true)) return undefined;
  return shop.postgres(plan.machine.pinned ? 1 : undefined).catch((error: Error) => error);
}

/** Runs all peers of one trial against one server process. A peer that fails is reported, and the others go on. */
export async function runTrial(trial: Trial, plan: Plan, shop: Workshop): Promise<TrialResult> {
  const core = trial.oneCore === true ? 0 : 1;
  await using server = new Child(pinned(core, plan.machine, [process.execPath, join(here, "server.ts")]));
  const port = Number(await server.line());
  const postgres = await postgresFor(trial, plan, shop);
  const contenders: Contender[] = trial.peers.map((peer) => ({
    peer,
    samples: [],
    skipped: peer.postgres === true && postgres instanceof Error ? reason(postgres) : missing(peer, plan.machine, shop),
  }));
  const servers = { port, ...(typeof postgres === "string" && { postgres }) };
  for (let process_ = 0; process_ < plan.processes; process_++) {
    plan.say(`${trial.name} ${process_ + 1}/${plan.processes}`);
    const able = contenders.filter(({ skipped }) => skipped === undefined);
    const start = (contender: Contender): Running =>
      new Running(contender, new Child(commandOf(trial, contender.peer, servers, plan, shop)));
    await generation(trial, able, process_, start, plan);
  }
  const peers = contenders.map(
    ({ peer, samples, skipped }): PeerResult => ({
      name: peer.name,
      about: peer.about,
      ...(skipped === undefined ? {} : { skipped }),
      samples,
    }),
  );
  const { name, group, about, parameters, reference, judgedBy } = trial;
  return { recordedAt: new Date().toISOString(), name, group, about, parameters, reference, judgedBy, peers };
}
