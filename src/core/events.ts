import type { FlashwaveError } from "./errors.ts";
import type { Admitted, DeviceOutcome, DeviceState, Evidence, InstallProgress, Receipt } from "./outcome.ts";

/** What a client tells while it works. Observing costs nothing until somebody observes. */
export interface ClientEvents {
  /** The artifact passed the client's admission policy for this device; nothing of it has been sent. */
  admitted: { readonly device: string; readonly admitted: Admitted };
  /** An attempt begins; nothing of it has been sent. */
  "attempt-started": { readonly device: string; readonly attempt: number; readonly attemptId: string };
  /** An attempt ended without an acknowledgement. `next` is what comes of it; `delay` in milliseconds. */
  "attempt-failed": {
    readonly device: string;
    readonly attempt: number;
    readonly error: FlashwaveError;
    readonly next: "retry" | "read" | "give-up";
    readonly delay: number;
  };
  /** The device tells how far its own install is, be it still sent to or not. It proves nothing. */
  installing: { readonly device: string } & InstallProgress;
  /** The device has the bytes. */
  sent: { readonly device: string; readonly receipt: Receipt };
  /** One read of a verification, good or bad. */
  read: { readonly device: string; readonly state?: DeviceState; readonly error?: FlashwaveError };
  /** The device was seen running the artifact. */
  verified: { readonly device: string; readonly evidence: Evidence };
  /**
   * A read shows that the device does not run any more what `evidence` had proven: it went back by itself, or somebody
   * else changed it. `verified` is thereby taken back, and so is the evidence that the registry held.
   */
  retracted: { readonly device: string; readonly evidence: Evidence; readonly state: DeviceState };
  /** A device's update ended. */
  outcome: { readonly device: string; readonly outcome: DeviceOutcome };
}

export type ClientEventType = keyof ClientEvents;

/** One event: `{ type, …}`. */
export type ClientEvent = { [T in ClientEventType]: { readonly type: T } & ClientEvents[T] }[ClientEventType];
