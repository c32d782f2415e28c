import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Child } from "./child.ts";
import { pinned } from "./machine.ts";
import { noise } from "./peers/shared.ts";
import type { Machine, Parameters, PeerResult, PeerSpec, PlacedSample, Sample, Trial, TrialResult } from "./types.ts";

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
}

const here = import.meta.dirname;
const goModule = "peers/go";

/** What trials share: payload files by length, and the Go client. Made when first needed, gone at the end. */
export class Workshop implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), "flashwave-bench-"));
  readonly #files = new Map<number, string>();
  #go: string | undefined;

  file(bytes: number): string {
    let path = this.#files.get(bytes);
    if (path === undefined) {
      path = join(this.#folder, `${bytes}.bin`);
      writeFileSync(path, noise(bytes));
      this.#files.set(bytes, path);
    }
    return path;
  }

  go(): string {
    if (this.#go === undefined) {
      this.#go = join(this.#folder, "go-peer");
      execFileSync("go", ["build", "-o", this.#go, "."], {
        cwd: join(here, goModule),
        stdio: ["ignore", "ignore", "inherit"],
      });
    }
    return this.#go;
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function missing(peer: PeerSpec, machine: Machine): string | undefined {
  if (peer.module === goModule && machine.go === "") return "Go not installed";
  if (peer.module.endsWith("curl.ts") && machine.curl === "") return "curl not installed";
  return undefined;
}

function commandOf(trial: Trial, peer: PeerSpec, port: number, plan: Plan, shop: Workshop): readonly string[] {
  const parameters: Parameters = { ...trial.parameters, ...peer.parameters };
  const order = JSON.stringify({
    parameters,
    port,
    file: parameters.body === undefined || parameters.body.startsWith("memory") ? "" : shop.file(parameters.bytes ?? 0),
    root: peer.root ?? plan.root,
    module: new URL(peer.module, import.meta.url).href,
    memory: trial.memory === true,
  });
  const command =
    peer.module === goModule
      ? [shop.go(), order]
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

/** Doubles the work until a round fills its time, then goes on until the code is warm. Says how much work fills a round. */
/** Operations after which nothing gets faster. */
const enough = 100_000;

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

/** One generation of processes: every peer once, warmed up, then the rounds in turn, every second one backwards. */
async function generation(
  trial: Trial,
  contenders: readonly Contender[],
  process_: number,
  port: number,
  plan: Plan,
  shop: Workshop,
): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const running: { readonly contender: Contender; readonly child: Child; readonly ops: number }[] = [];
  for (const contender of contenders) {
    if (contender.skipped !== undefined) continue;
    const child = stack.use(new Child(commandOf(trial, contender.peer, port, plan, shop)));
    try {
      await child.line();
      const ops = trial.ops ?? (await warmUp(child, plan.roundMs, Math.min(plan.warmMs, trial.warmMs ?? plan.warmMs)));
      if (trial.ops !== undefined && trial.cold !== true) await child.ask(String(ops));
      running.push({ contender, child, ops });
    } catch (error) {
      contender.skipped = reason(error);
    }
  }
  const rounds = trial.cold === true ? 1 : plan.rounds;
  for (let round = 0; round < rounds; round++) {
    for (const { contender, child, ops } of (process_ + round) % 2 === 0 ? running : running.toReversed()) {
      if (contender.skipped !== undefined) continue;
      try {
        const sample = JSON.parse(await child.ask(String(ops))) as Sample;
        contender.samples.push({ process: process_, round, ...sample });
      } catch (error) {
        contender.skipped = reason(error);
      }
    }
  }
}

function reason(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const line = /^\w*Error.*$/m.exec(text)?.[0] ?? text.split("\n")[0] ?? "failed";
  // What is recorded is published: no paths of this machine.
  return line.replace(/(?:file:\/\/)?\/[^\s'"]+\//g, "").slice(0, 120);
}

/** Runs all peers of one trial against one server process. A peer that fails is reported, and the others go on. */
export async function runTrial(trial: Trial, plan: Plan, shop: Workshop): Promise<TrialResult> {
  const core = trial.oneCore === true ? 0 : 1;
  await using server = new Child(pinned(core, plan.machine, [process.execPath, join(here, "server.ts")]));
  const port = Number(await server.line());
  const contenders: Contender[] = trial.peers.map((peer) => ({
    peer,
    samples: [],
    skipped: missing(peer, plan.machine),
  }));
  for (let process_ = 0; process_ < plan.processes; process_++) {
    plan.say(`${trial.name} ${process_ + 1}/${plan.processes}`);
    await generation(trial, contenders, process_, port, plan, shop);
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
