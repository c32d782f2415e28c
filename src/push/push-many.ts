import type { Artifact, ArtifactRef } from "../core/artifact.ts";
import type { Clock } from "../core/clock.ts";
import type { Device } from "../core/device.ts";
import { FlashwaveError, inContext, isFlashwaveError } from "../core/errors.ts";
import type { DeviceOutcome, Receipt } from "../core/outcome.ts";
import { SendGate } from "./gate.ts";
import { mapConcurrent, type Parking, type Walk } from "./map-concurrent.ts";
import {
  type ClientRegistry,
  count,
  type DeviceRef,
  invalidOption,
  type PushManyOptions,
  type PushOptions,
  type UpdateOptions,
} from "./options.ts";
import { Outcomes } from "./outcomes.ts";
import { Trail } from "./record/trail.ts";
import { checkArtifact, checkCall, optionsFor } from "./shapes.ts";
import { resolveSubject } from "./subject.ts";

/** One artifact for all devices, or each device's own. */
export type ArtifactChoice = Artifact | ((device: Device) => Artifact | Promise<Artifact>);

/**
 * One run's own room in its client. A device that waits for a place at its site is parked, so that the run goes on to
 * the others, and takes one of the run's places again when it is its turn.
 */
export interface Lane extends Parking {
  readonly gate: SendGate;
}

export interface FleetRun {
  readonly push: (
    device: Device,
    artifact: Artifact,
    options: PushOptions,
    lane: Lane,
    trail: Trail,
  ) => Promise<Receipt>;
  readonly update: (device: Device, artifact: Artifact, options: UpdateOptions, lane: Lane) => Promise<DeviceOutcome>;
  readonly registry: ClientRegistry | undefined;
  readonly clock: Clock;
  /** Devices under way at once when the call names no number. */
  readonly inFlight: number;
}

export function pushMany(
  run: FleetRun,
  devices: Walk<DeviceRef>,
  artifact: ArtifactChoice,
  options: PushManyOptions,
): AsyncIterable<DeviceOutcome> {
  checkCall("pushMany", options);
  if (typeof artifact !== "function") checkArtifact(artifact);
  if (options.profile !== undefined && typeof options.profile !== "function")
    throw invalidOption("profile", "a function", options.profile);
  if (options.resume !== undefined && typeof options.resume !== "function")
    throw invalidOption("resume", "a function", options.resume);
  checkWalk(devices);
  const concurrency = count("concurrency", options.concurrency, run.inFlight, 1, 100_000);
  const leaving = new AbortController();
  const signal = options.signal === undefined ? leaving.signal : AbortSignal.any([options.signal, leaving.signal]);
  const { verify = true, profile, resume } = options;
  const call = optionsFor(verify ? "update" : "push", { ...options, signal, resume: undefined });
  const each = { verify, profile, resume, call };
  const gate = new SendGate(concurrency);
  let lane: Lane | undefined;
  return mapConcurrent(
    devices,
    concurrency,
    (ref, parking) => {
      lane ??= { gate, ...parking };
      return one(run, ref, artifact, each, lane);
    },
    () => leaving.abort(),
  );
}

/** The options of the call that stay the same from device to device, and those that are found for each. */
interface Each {
  readonly profile: PushManyOptions["profile"];
  readonly resume: PushManyOptions["resume"];
  readonly verify: boolean;
  readonly call: Omit<UpdateOptions, "resume">;
}

/** One device of many: whatever is wrong with it is its own outcome, and the others go on. */
async function one(
  run: FleetRun,
  ref: DeviceRef,
  artifact: ArtifactChoice,
  { verify, profile, resume, call }: Each,
  lane: Lane,
): Promise<DeviceOutcome> {
  const id = typeof ref === "string" ? ref : String(ref?.id);
  const trail = new Trail(run.clock);
  let outcomes = new Outcomes(id, notOpened, run.clock, trail);
  try {
    const subject = resolveSubject(ref, run.registry);
    const device = withProfile(subject instanceof Promise ? await subject : subject, profile);
    const opened = typeof artifact === "function" ? await artifact(device) : artifact;
    checkArtifact(opened);
    outcomes = new Outcomes(device.id, opened.ref, run.clock, trail);
    const token = resume?.(device);
    const own = token === undefined ? call : { ...call, resume: token };
    if (verify) return await run.update(device, opened, own, lane);
    return outcomes.sent(await run.push(device, opened, own, lane, trail));
  } catch (error) {
    return outcomes.ended(
      isFlashwaveError(error) ? inContext(error, { device: id }) : callbackFailed(error, id),
      undefined,
    );
  }
}

/** Text can be walked too, letter by letter: that is never meant. */
function checkWalk(devices: unknown): void {
  const walk = typeof devices === "object" && devices !== null ? devices : {};
  if (Symbol.iterator in walk || Symbol.asyncIterator in walk) return;
  throw invalidOption("devices", "a list, or anything else that can be walked", devices);
}

/** Stands in an outcome whose artifact could not be opened. */
const notOpened: ArtifactRef = Object.freeze({ name: "", version: "", length: 0, digest: "" });

function withProfile(device: Device, choose: PushManyOptions["profile"]): Device {
  const profile = choose?.(device);
  return profile === undefined ? device : { ...device, profile };
}

function callbackFailed(cause: unknown, device: string): FlashwaveError {
  return new FlashwaveError(
    "invalid_option",
    "A function given to pushMany (artifact, profile, resume or onProgress) threw. Nothing more is done for this device; look at the cause.",
    { phase: "prepare", device, cause },
  );
}
