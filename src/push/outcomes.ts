import type { ArtifactRef } from "../core/artifact.ts";
import type { Clock } from "../core/clock.ts";
import type { FlashwaveError, FlashwaveErrorCode } from "../core/errors.ts";
import type { DeviceOutcome, DeviceState, Evidence, Receipt } from "../core/outcome.ts";
import { type BareOutcome, withRecord } from "./record/record.ts";
import type { Trail } from "./record/trail.ts";

/** These say outright that nobody knows what the device runs. */
const unknowns: ReadonlySet<FlashwaveErrorCode> = new Set(["outcome_unknown", "unverified", "registry_failed"]);

/** These end the work in the middle: what they mean depends on how far it had come. */
export const interruptions: ReadonlySet<FlashwaveErrorCode> = new Set(["aborted", "client_closed"]);

/** Whether a failed update leaves it open what the device runs, or will run. */
export function leavesUnknown(error: FlashwaveError, receipt: Receipt | undefined): boolean {
  if (unknowns.has(error.code)) return true;
  if (!interruptions.has(error.code)) return false;
  // A device that ran the artifact already, and was being proven or committed, may be on trial.
  if (error.phase === "verify" || error.phase === "commit") return true;
  // A read that was cut short had no bytes of the artifact to put out.
  return receipt !== undefined || (error.phase !== "inspect" && error.bytesOut !== "none");
}

/** Builds the outcomes of one device's update. */
export class Outcomes {
  readonly #device: string;
  readonly #artifact: ArtifactRef;
  readonly #clock: Clock;
  readonly #startedAt: number;
  readonly #trail: Trail;

  constructor(device: string, artifact: ArtifactRef, clock: Clock, trail: Trail) {
    this.#device = device;
    this.#artifact = artifact;
    this.#clock = clock;
    this.#trail = trail;
    this.#startedAt = clock.now();
  }

  updated(receipt: Receipt, evidence: Evidence): DeviceOutcome {
    return this.#told({ status: "updated", ...this.#base(receipt.attempts), receipt, evidence });
  }

  sent(receipt: Receipt): DeviceOutcome {
    return this.#told({ status: "sent", ...this.#base(receipt.attempts), receipt });
  }

  /** It waits for an order of somebody else, whatever its delivery mostly does by itself. */
  staged(receipt: Receipt): DeviceOutcome {
    const staged = { ...receipt, activated: false };
    return this.#told({ status: "staged", ...this.#base(receipt.attempts), receipt: staged });
  }

  skipped(state: DeviceState): DeviceOutcome {
    return this.#told({ status: "skipped", ...this.#base(0), reason: "already-running", state });
  }

  ended(error: FlashwaveError, receipt: Receipt | undefined): DeviceOutcome {
    const status = leavesUnknown(error, receipt) ? "unknown" : "failed";
    const attempts = receipt?.attempts ?? error.attempt ?? 0;
    return this.#told({ status, ...this.#base(attempts), error, ...(receipt && { receipt }) });
  }

  #told(outcome: BareOutcome): DeviceOutcome {
    return withRecord(outcome, this.#trail);
  }

  #base(attempts: number) {
    return { device: this.#device, artifact: this.#artifact, attempts, duration: this.#clock.now() - this.#startedAt };
  }
}
