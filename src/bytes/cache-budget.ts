import { FlashwaveError } from "../core/errors.ts";

/** How many bytes all artifacts that share this budget may keep in memory together. */
export interface CacheBudget {
  readonly capacity: number;
  /** Bytes taken now. */
  readonly used: number;
  /** Takes `bytes` if they fit; never waits. */
  reserve(bytes: number): boolean;
  release(bytes: number): void;
}

export const defaultCacheBytes = 67_108_864;

/**
 * @param capacity bytes; 0 keeps nothing in memory
 * @throws `invalid_option`
 */
export function createCacheBudget(capacity: number): CacheBudget {
  if (!Number.isSafeInteger(capacity) || capacity < 0)
    throw new FlashwaveError("invalid_option", "A cache budget is a whole number of bytes, 0 or more.", {
      phase: "prepare",
    });
  let used = 0;
  return {
    capacity,
    get used() {
      return used;
    },
    reserve(bytes) {
      if (used + bytes > capacity) return false;
      used += bytes;
      return true;
    },
    release(bytes) {
      used -= bytes;
    },
  };
}

/** The budget of this process unless an artifact is opened with another: 64 MiB. */
export const sharedCacheBudget: CacheBudget = createCacheBudget(defaultCacheBytes);
