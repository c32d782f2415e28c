import type { Clock } from "../core/clock.ts";
import { FlashwaveError, type Phase } from "../core/errors.ts";

/** The error for a caller's signal that aborted; the signal's reason is the cause. */
export function abortedError(signal: AbortSignal, phase: Phase, device: string): FlashwaveError {
  return new FlashwaveError(
    "aborted",
    `The caller's signal aborted during ${phase}. Nothing more will be sent to the device.`,
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
}

export function createWaiting(clock: Clock, closing: AbortSignal): Waiting {
  return {
    async sleep(ms, phase, device, signal) {
      // Combined only here, where somebody waits anyway: on the path of a push it would cost more than the push.
      const either = signal === undefined ? closing : AbortSignal.any([signal, closing]);
      try {
        await clock.sleep(ms, either);
      } catch (cause) {
        if (signal?.aborted) throw abortedError(signal, phase, device);
        if (closing.aborted) throw closedError(phase);
        throw cause;
      }
    },
  };
}
