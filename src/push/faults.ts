import { FlashwaveError, inContext, isFlashwaveError, type Phase } from "../core/errors.ts";
import type { DeviceOutcome, DeviceState, Evidence } from "../core/outcome.ts";

/** Whatever an adapter threw as one error that names the device and the attempt. */
export function faultOf(thrown: unknown, device: string, attempt: number): FlashwaveError {
  // A fault of an earlier attempt that stands after all keeps that attempt's number.
  if (isFlashwaveError(thrown)) return inContext(thrown, { device, attempt: thrown.attempt ?? attempt });
  return new FlashwaveError(
    "outcome_unknown",
    "The delivery adapter threw something that is not a FlashwaveError, so it cannot be told what the device received. Read the device, and mend the adapter: look at the cause.",
    { phase: "send", bytesOut: "some", device, attempt, cause: thrown },
  );
}

/** The device did nothing wrong, and what it makes of a part of the bytes nobody knows. */
export function progressFailed(cause: unknown, device: string, attempt: number): FlashwaveError {
  return new FlashwaveError(
    "outcome_unknown",
    "onProgress threw, which broke the send off in the middle: that is the caller's own fault, not the device's. Read the device before sending again, and mend the callback: look at the cause.",
    { phase: "send", bytesOut: "some", device, attempt, cause },
  );
}

/** A read that is cut short leaves it open what became of the bytes that were out before. */
export function stillOut({ bytesOut, attempt }: FlashwaveError): (cut: unknown) => never {
  return (cut) => {
    if (!isFlashwaveError(cut)) throw cut;
    throw inContext(cut, { phase: "send", bytesOut, ...(attempt !== undefined && { attempt }) });
  };
}

/** A read names its device, and whatever of its own request had left, it put nothing of an artifact out. */
export function ofRead(thrown: unknown, device: string): unknown {
  return isFlashwaveError(thrown) ? inContext(thrown, { device, bytesOut: "none" }) : thrown;
}

/** Once there is a receipt all of the artifact is out, whatever left of the request that failed after it. */
export function afterReceipt(error: FlashwaveError, device: string): FlashwaveError {
  return inContext(error, { device, bytesOut: "all" });
}

/** What was read before anything was sent is another device's. */
export function otherDevice({ deviceId }: DeviceState, phase: Phase, device?: string): FlashwaveError {
  return new FlashwaveError(
    "wrong_device",
    `The device at this address calls itself ${JSON.stringify(deviceId)}, so nothing was sent. Correct the address.`,
    { phase, ...(device !== undefined && { device }) },
  );
}

export function notWitnessed({ device, version }: Evidence, cause: unknown): FlashwaveError {
  return new FlashwaveError(
    "registry_failed",
    `The device was seen running version ${JSON.stringify(version)}, but the registry could not record it. Mend the registry and verify again.`,
    { phase: "registry", device, cause },
  );
}

/** The update's own error, where it had one, is not lost over the registry's: both are in the cause. */
export function unrecorded(outcome: DeviceOutcome, failure: unknown): FlashwaveError {
  const own = "error" in outcome ? outcome.error : undefined;
  const ended = own === undefined ? outcome.status : `${outcome.status} (${own.code})`;
  const both = "The update's own error, and the registry's.";
  return new FlashwaveError(
    "registry_failed",
    `The device's update ended as ${ended}, but the registry could not record it. Mend the registry and read the device again.`,
    {
      phase: "registry",
      bytesOut: own?.bytesOut ?? (outcome.status === "skipped" ? "none" : "all"),
      device: outcome.device,
      attempt: outcome.attempts,
      cause: own === undefined ? failure : new AggregateError([own, failure], both),
    },
  );
}
