import type { DeviceState, Receipt } from "../core/outcome.ts";

/** What a read is compared with: when the send began, and the state read before it. */
export interface Since {
  readonly startedAt: Receipt["startedAt"];
  readonly before?: DeviceState | undefined;
  /** When `before` was read on the monotonic clock, where this process read it. */
  readonly beforeAt?: number | undefined;
}

/** What a read says about a boot since the send. `unchanged`: the device reports boots, and there was none. */
export type NewBoot = "seen" | "unchanged" | "not-reported" | "not-checked";

/**
 * Compares a read with the receipt of the send before it, by the best that the device reports: boot id, then uptime,
 * then slot. An uptime is compared by our own clock, never by the device's: by the monotonic one where both reads are of
 * this process, since a wall clock that is set meanwhile would make a boot, or hide one.
 *
 * @param now when `state` was read, on the monotonic clock
 */
export function newBoot(state: DeviceState, since?: Since, now?: number): NewBoot {
  if (since === undefined) return "not-checked";
  const { before } = since;
  if (state.bootId !== undefined && before?.bootId !== undefined) {
    return state.bootId === before.bootId ? "unchanged" : "seen";
  }
  if (state.uptime !== undefined) {
    if (before?.uptime !== undefined) {
      if (state.uptime < before.uptime) return "seen";
      // Uptimes come in whole seconds: to have lost less than one of them is rounding, not a boot.
      const lost = msBetween(before, state, since, now) - (state.uptime - before.uptime) * 1_000;
      if (lost < 1_000) return "unchanged";
    }
    return state.uptime * 1_000 < msSinceSend(state, since, now) ? "seen" : "unchanged";
  }
  if (state.slot !== undefined && before?.slot !== undefined) return state.slot === before.slot ? "unchanged" : "seen";
  return state.bootId === undefined && state.slot === undefined ? "not-reported" : "not-checked";
}

function msBetween(before: DeviceState, state: DeviceState, { beforeAt }: Since, now: number | undefined): number {
  return beforeAt === undefined || now === undefined ? state.readAt - before.readAt : now - beforeAt;
}

function msSinceSend(state: DeviceState, since: Since, now: number | undefined): number {
  const { before, startedAt } = since;
  if (before === undefined) return state.readAt - startedAt;
  const between = msBetween(before, state, since, now);
  // The send began soon after the read before it; how soon, only the wall clock knows.
  return between - Math.min(Math.max(startedAt - before.readAt, 0), between);
}
