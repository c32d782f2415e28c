import type { Artifact, Device, DeviceOutcome, SignedDocument } from "../core/index.ts";
import { type Client, type PushOptions, referencedCredentials } from "../push/index.ts";
import { readAdmission, readVouchers } from "./admission.ts";
import { clientOptionsOf, servingOf } from "./client-options.ts";
import { readCredentials } from "./credentials.ts";
import type { Demand } from "./demands.ts";
import { exitCodes } from "./exit-codes.ts";
import { readTlsFiles } from "./files.ts";
import type { Flags } from "./flags.ts";
import { profileOf, stagingAsked } from "./profile.ts";
import type { Screen } from "./progress/drawing.ts";
import { createView } from "./progress/view.ts";
import { openRecords } from "./records.ts";
import { Report } from "./report.ts";
import type { Result } from "./results.ts";
import { situationsOf } from "./situation.ts";
import { readFleet } from "./store/fleet.ts";
import { Recorder } from "./store/recorder.ts";
import { counted, formatBytes, printable } from "./text.ts";
import { adaptersOf, open, openClient, permitTyped, speakable } from "./wire.ts";
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
  /** The same for an outcome, once its record is kept where that was asked for. */
  settleKept(outcome: DeviceOutcome): Promise<void>;
  /** A line about the run itself; silent where progress is. */
  tell(line: string): void;
}

export type ArtifactJob = Job & { readonly artifact: Artifact; readonly approvals: readonly SignedDocument[] };

/** Runs a command on its devices, if they and the flags are what it demands. @returns the exit code */
export async function runJob(
  flags: Flags,
  io: Io,
  demands: readonly Demand[],
  work: (job: Job) => Promise<void>,
): Promise<number> {
  const { signal, stdout, stderr } = io;
  const { admission } = await readAdmission(flags);
  const profile = profileOf(flags);
  const asked = clientOptionsOf(flags, await readTlsFiles(flags));
  const credentials = await readCredentials(flags);
  await using fleet = await readFleet(flags, signal);
  const { typed, stored, registry } = fleet;
  const devices = [...typed, ...stored];
  const adapters = await adaptersOf([...typed, ...speakable(stored)], profile, servingOf(flags), flags.via);
  const options = await permitTyped(asked, typed);
  for (const demand of demands) await demand({ typed, devices, profile, flags });
  const recorder = registry && new Recorder(registry, stored);
  const byReference = credentials === undefined && stored.some((device) => device.credentials !== undefined);
  const records = flags.record === undefined ? undefined : await openRecords(flags.record, devices.length);
  using view = createView({ screen: stderr, devices: devices.length, quiet: flags.quiet === true });
  await using client = openClient(
    {
      ...options,
      ...(admission && { admission }),
      ...(credentials && { credentials: () => credentials }),
      ...(byReference && { credentials: referencedCredentials(secretsOf(flags)) }),
      ...(recorder && { registry: recorder.forClient }),
      onEvent: view.onEvent,
    },
    adapters,
  );
  const staging = new Set(devices.filter((device) => stagingAsked(profile, device.profile)).map(({ id }) => id));
  const report = new Report({
    json: flags.json === true,
    print: (line) => view.aside(() => stdout.write(`${line}\n`)),
    stagingAsked: (device) => staging.has(device),
    idWidth: Math.min(
      32,
      devices.reduce((width, { id }) => Math.max(width, id.length), 0),
    ),
  });
  const situationOf = situationsOf(flags, credentials, fleet);
  const inWords = ({ device, error }: Extract<Result, { readonly error: unknown }>) =>
    errorInFlags(error, { deviceWords: flags.deviceWords, ...situationOf(device) });
  const settle = (ended: Result) => {
    const result = "error" in ended ? { ...ended, error: inWords(ended) } : ended;
    view.ended(result);
    report.add(result);
    recorder?.add(result);
  };
  const tell = (line: string) => {
    if (flags.quiet !== true) view.aside(() => stderr.write(`${printable(line)}\n`));
  };
  let unkept = 0;
  const settleKept = async (outcome: DeviceOutcome) => {
    await records?.keep(outcome.record).catch((error: NodeJS.ErrnoException) => {
      unkept++;
      const what = `The record of ${outcome.device} could not be written (${error.code ?? "unknown"})`;
      view.aside(() => stderr.write(`${printable(`${what}; its outcome stands.`)}\n`));
    });
    settle(outcome);
  };
  using _ = whenAborted(signal, () => tell(interrupted(signal)));
  const { onProgress, reading } = view;
  await work({ client, devices, flags, signal, onProgress, reading, settle, settleKept, tell });
  await recorder?.settled();
  report.end(view.board.elapsed);
  return unkept > 0 ? Math.max(report.exitCode, exitCodes.failed) : report.exitCode;
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
    const { approvals, ...vouchers } = await readVouchers(flags);
    await using artifact = await open(path, flags, vouchers, io.signal);
    job.tell(titleOf(artifact, job.devices.length));
    await work({ ...job, artifact, approvals });
  });
}

const secretsOf = ({ secrets }: Flags) => (secrets === undefined ? {} : { folder: secrets });

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
