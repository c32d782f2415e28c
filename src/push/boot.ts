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
    if (before?.uptime !== undefined) {
      if (state.uptime < before.uptime) return "seen";
      // Uptimes come in whole seconds: to have lost less than one of them is rounding, not a boot.
      const lost = state.readAt - before.readAt - (state.uptime - before.uptime) * 1_000;
      if (lost < 1_000) return "unchanged";
    }
    return state.uptime * 1_000 < state.readAt - startedAt ? "seen" : "unchanged";
  }
  if (state.slot !== undefined && before?.slot !== undefined) return state.slot === before.slot ? "unchanged" : "seen";
  return state.bootId === undefined && state.slot === undefined ? "not-reported" : "not-checked";
}
