import type { Artifact, Device } from "../core/index.ts";
import type { Client, PushOptions } from "../push/index.ts";
import { readCredentials } from "./credentials.ts";
import type { Demand } from "./demands.ts";
import { readDevices, readTlsFiles } from "./files.ts";
import type { Flags } from "./flags.ts";
import { createView, type Screen } from "./progress/view.ts";
import { Report } from "./report.ts";
import type { Result } from "./results.ts";
import { counted, formatBytes, printable } from "./text.ts";
import {
  adaptersOf,
  clientOptionsOf,
  open,
  openClient,
  permitTyped,
  profileOf,
  servingOf,
  stagingAsked,
} from "./wire.ts";
import { errorInFlags } from "./words.ts";

/** Where a command's results and its progress go, and what ends it early. */
export interface Io {
  readonly stdout: Screen;
  readonly stderr: Screen;
  readonly signal: AbortSignal;
}

/** A command in motion: everything that was given is checked, nothing has been sent. */
export interface Job {
  readonly client: Client;
  readonly devices: readonly Device[];
  readonly flags: Flags;
  readonly signal: AbortSignal;
  readonly onProgress: NonNullable<PushOptions["onProgress"]>;
  /** This device is being read now. */
  readonly reading: (device: string) => void;
  settle(result: Result): void;
  /** A line about the run itself; silent where progress is. */
  tell(line: string): void;
}

export type ArtifactJob = Job & { readonly artifact: Artifact };

/** Runs a command on its devices, if they and the flags are what it demands. @returns the exit code */
export async function runJob(
  flags: Flags,
  io: Io,
  demands: readonly Demand[],
  work: (job: Job) => Promise<void>,
): Promise<number> {
  const { signal, stdout, stderr } = io;
  const profile = profileOf(flags);
  const asked = clientOptionsOf(flags, await readTlsFiles(flags));
  const credentials = await readCredentials(flags);
  const devices = await readDevices(flags);
  const adapters = await adaptersOf(devices, profile, servingOf(flags));
  const options = await permitTyped(asked, devices);
  for (const demand of demands) await demand(devices, profile, flags);
  using view = createView({ screen: stderr, devices: devices.length, quiet: flags.quiet === true });
  await using client = openClient(
    { ...options, ...(credentials && { credentials: () => credentials }), onEvent: view.onEvent },
    adapters,
  );
  const report = new Report({
    json: flags.json === true,
    print: (line) => view.aside(() => stdout.write(`${line}\n`)),
    stagingAsked: stagingAsked(profile),
    idWidth: Math.min(32, Math.max(...devices.map(({ id }) => id.length))),
  });
  const settle = (ended: Result) => {
    const result = "error" in ended ? { ...ended, error: errorInFlags(ended.error, flags.deviceWords) } : ended;
    view.ended(result);
    report.add(result);
  };
  const tell = (line: string) => {
    if (flags.quiet !== true) view.aside(() => stderr.write(`${printable(line)}\n`));
  };
  using _ = whenAborted(signal, () => tell(interrupted(signal)));
  await work({ client, devices, flags, signal, onProgress: view.onProgress, reading: view.reading, settle, tell });
  report.end(view.board.elapsed);
  return report.exitCode;
}

/** The same with an artifact: it is opened once everything else was found right, and closed after the last device. */
export function runArtifactJob(
  path: string,
  flags: Flags,
  io: Io,
  demands: readonly Demand[],
  work: (job: ArtifactJob) => Promise<void>,
): Promise<number> {
  return runJob(flags, io, demands, async (job) => {
    await using artifact = await open(path, flags, io.signal);
    job.tell(titleOf(artifact, job.devices.length));
    await work({ ...job, artifact });
  });
}

function titleOf({ name, version, length, digest }: Artifact, devices: number): string {
  const named = version === "" ? name : `${name} ${version}`;
  return `${named}, ${formatBytes(length)}, sha256 ${digest}, for ${counted(devices, "device")}`;
}

const interrupted = ({ reason }: AbortSignal): string =>
  `${reason instanceof Error ? reason.message : "Interrupted"}: ending what is under way. A second signal leaves at once.`;

export function whenAborted(signal: AbortSignal, tell: () => void): Disposable {
  signal.addEventListener("abort", tell, { once: true });
  return { [Symbol.dispose]: () => signal.removeEventListener("abort", tell) };
}

/** Calls `work` for each item, `concurrency` at a time. */
export async function eachOf<T>(
  items: readonly T[],
  concurrency: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = items.values();
  const worker = async () => {
    for (const item of queue) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, worker));
}
