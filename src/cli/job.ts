import type { Artifact, Credentials, Device, DeviceOutcome, Profile, SignedDocument } from "../core/index.ts";
import { type Client, type ClientOptions, type PushOptions, referencedCredentials } from "../push/index.ts";
import { readAdmission, readVouchers } from "./admission.ts";
import { clientOptionsOf, servingOf } from "./client-options.ts";
import { readCredentials } from "./credentials.ts";
import type { Demand } from "./demands.ts";
import { Desk } from "./desk.ts";
import { readTlsFiles } from "./files.ts";
import type { Flags } from "./flags.ts";
import { profileOf } from "./profile.ts";
import type { Screen } from "./progress/drawing.ts";
import { createView } from "./progress/view.ts";
import { openRecords } from "./records.ts";
import type { Result } from "./results.ts";
import { situationsOf } from "./situation.ts";
import { type Fleet, readFleet } from "./store/fleet.ts";
import { Recorder } from "./store/recorder.ts";
import { counted, formatBytes } from "./text.ts";
import { adaptersOf, open, openClient, permitTyped, speakable } from "./wire.ts";

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
  const { signal } = io;
  const asked = await readAsked(flags);
  await using fleet = await readFleet(flags, signal);
  const { devices, recorder, records, adapters, options } = await prepare(flags, asked, fleet, demands);
  using view = createView({ screen: io.stderr, devices: devices.length, quiet: flags.quiet === true });
  await using client = openClient({ ...options, onEvent: view.onEvent }, adapters);
  const { profile, credentials } = asked;
  const situationOf = situationsOf(flags, credentials, fleet);
  const desk = new Desk({ flags, io, view, devices, profile, situationOf, recorder, records });
  using _ = whenAborted(signal, () => desk.tell(interrupted(signal)));
  const { onProgress, reading } = view;
  const { settle, settleKept, tell } = desk;
  await work({ client, devices, flags, signal, onProgress, reading, settle, settleKept, tell });
  return desk.end();
}

/** What the flags say by themselves. */
interface Asked {
  readonly profile: Profile;
  readonly credentials: Credentials | undefined;
  readonly options: ClientOptions;
}

async function readAsked(flags: Flags): Promise<Asked> {
  const { admission } = await readAdmission(flags);
  const profile = profileOf(flags);
  const options = clientOptionsOf(flags, await readTlsFiles(flags));
  const credentials = await readCredentials(flags);
  return { profile, credentials, options: { ...options, ...(admission && { admission }) } };
}

/** What the flags come to with the devices that they name: all of it is checked, nothing is sent. */
async function prepare(flags: Flags, asked: Asked, { typed, stored, registry }: Fleet, demands: readonly Demand[]) {
  const { profile, credentials } = asked;
  const devices = [...typed, ...stored];
  const adapters = await adaptersOf([...typed, ...speakable(stored)], profile, servingOf(flags), flags.via);
  const permitted = await permitTyped(asked.options, typed);
  for (const demand of demands) await demand({ typed, devices, profile, flags });
  const recorder = registry && new Recorder(registry, stored);
  const byReference = credentials === undefined && stored.some((device) => device.credentials !== undefined);
  const records = flags.record === undefined ? undefined : await openRecords(flags.record, devices.length);
  const options: ClientOptions = {
    ...permitted,
    ...(credentials && { credentials: () => credentials }),
    ...(byReference && { credentials: referencedCredentials(secretsOf(flags)) }),
    ...(recorder && { registry: recorder.forClient }),
  };
  return { devices, adapters, recorder, records, options };
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
