import type { Clock } from "../core/clock.ts";
import { FlashwaveError, type Phase } from "../core/errors.ts";

/** From here on the device may have been given something. */
const begun: ReadonlySet<Phase> = new Set(["send", "settle", "activate", "verify", "commit", "rollback"]);

/** The error for a caller's signal that aborted; the signal's reason is the cause. */
export function abortedError(signal: AbortSignal, phase: Phase, device: string): FlashwaveError {
  return new FlashwaveError(
    "aborted",
    `The caller's signal aborted during ${phase}. Nothing more will be sent to the device.${begun.has(phase) ? " Read it before sending again." : ""}`,
    {
      phase,
      device,
      cause: signal.reason,
    },
  );
}

/** The error for work that ends because its client was closed. */
export function closedError(phase: Phase): FlashwaveError {
  return new FlashwaveError("client_closed", "The client was closed. Create a new client to go on.", { phase });
}

/** How the product waits: until the time has passed, the caller aborts, or the client is closed. */
export interface Waiting {
  sleep(ms: number, phase: Phase, device: string, signal?: AbortSignal): Promise<void>;
  /** For what the caller's own code does, which may never end. */
  until<T>(work: Promise<T>, phase: Phase, device: string, signal?: AbortSignal): Promise<T>;
}

export function createWaiting(clock: Clock, closing: AbortSignal): Waiting {
  // Combined only here, where somebody waits anyway: on the path of a push it would cost more than the push.
  const either = (signal?: AbortSignal) => (signal === undefined ? closing : AbortSignal.any([signal, closing]));
  const interrupted = (cause: unknown, phase: Phase, device: string, signal?: AbortSignal): unknown => {
    if (signal?.aborted) return abortedError(signal, phase, device);
    return closing.aborted ? closedError(phase) : cause;
  };
  return {
    async sleep(ms, phase, device, signal) {
      try {
        await clock.sleep(ms, either(signal));
      } catch (cause) {
        throw interrupted(cause, phase, device, signal);
      }
    },
    until(work, phase, device, signal) {
      const end = either(signal);
      return new Promise((resolve, reject) => {
        const onAbort = () => reject(interrupted(end.reason, phase, device, signal));
        if (end.aborted) onAbort();
        end.addEventListener("abort", onAbort, { once: true });
        work.then(resolve, reject).finally(() => end.removeEventListener("abort", onAbort));
      });
    },
  };
}
