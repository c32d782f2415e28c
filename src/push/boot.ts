import type { DeviceState, Receipt } from "../core/outcome.ts";

/** What a read is compared with: when the send began, and the state read before it. */
export interface Since {
  readonly startedAt: Receipt["startedAt"];
  readonly before?: DeviceState | undefined;
}

/** What a read says about a boot since the send. `unchanged`: the device reports boots, and there was none. */
export type NewBoot = "seen" | "unchanged" | "not-reported" | "not-checked";

/**
 * Compares a read with the receipt of the send before it, by the best that the device reports: boot id, then uptime,
 * then slot. An uptime is compared by our own clock, never by the device's.
 */
export function newBoot(state: DeviceState, since?: Since): NewBoot {
  if (since === undefined) return "not-checked";
  const { before, startedAt } = since;
  if (state.bootId !== undefined && before?.bootId !== undefined) {
    return state.bootId === before.bootId ? "unchanged" : "seen";
  }
  if (state.uptime !== undefined) {
    // Booted after the send began, or the clock of boots ran backwards since the read before it.
    if (state.uptime * 1_000 < state.readAt - startedAt) return "seen";
    if (before?.uptime !== undefined && state.uptime < before.uptime) return "seen";
    return "unchanged";
  }
  if (state.slot !== undefined && before?.slot !== undefined) return state.slot === before.slot ? "unchanged" : "seen";
  return state.bootId === undefined && state.slot === undefined ? "not-reported" : "not-checked";
}
