import type { BytesOut, Phase } from "../core/errors.ts";
import { FlashwaveError } from "../core/errors.ts";

/**
 * The life of one opened artifact and the count of its users.
 *
 * Disposal never waits for a device: sends in motion fail at their next block, and what they still hold is given back
 * when the last of them has left.
 */
export interface Lifetime {
  /** @throws `artifact_disposed` */
  check(phase: Phase, bytesOut?: BytesOut): void;
  /** Counts a user in; the function it returns counts it out, once. */
  enter(phase: Phase): () => void;
  dispose(): Promise<void>;
}

export interface LifetimeEnds {
  /** At once when disposed: what users in motion can do without. */
  readonly disposed: () => Promise<void>;
  /** When disposed and unused. */
  readonly unused: () => void;
}

export function createLifetime(ends: LifetimeEnds): Lifetime {
  let users = 0;
  let end: Promise<void> | undefined;
  const check = (phase: Phase, bytesOut: BytesOut = "none") => {
    if (end)
      throw new FlashwaveError(
        "artifact_disposed",
        "The artifact was disposed: keep it open until every push of it has settled.",
        { phase, bytesOut },
      );
  };
  return {
    check,
    enter(phase) {
      check(phase);
      users++;
      let inside = true;
      return () => {
        if (!inside) return;
        inside = false;
        users--;
        if (end && users === 0) ends.unused();
      };
    },
    dispose() {
      if (!end) {
        end = ends.disposed();
        if (users === 0) ends.unused();
      }
      return end;
    },
  };
}
