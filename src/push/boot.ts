import type { DeviceState, Receipt } from "../core/outcome.ts";

/** What a read is compared with: when the send began, and the state read before it. */
export interface Since {
  readonly startedAt: Receipt["startedAt"];
  readonly before?: DeviceState | undefined;
  /** When `before` was read on the monotonic clock, where this process read it. */
  readonly beforeAt?: number | undefined;
}

/**
 * What a read says about a boot since the send. `unchanged`: the device reports boots, and there was none. `unclear`: it
 * reports an uptime that is too small or too coarse to tell.
 */
export type NewBoot = "seen" | "unchanged" | "unclear" | "not-reported" | "not-checked";

/** Milliseconds by which an uptime may be off: most come in whole seconds, rounded one way or the other. */
const grain = 1_000;

/**
 * Compares a read with the receipt of the send before it, by the best that the device reports: boot id, then uptime,
 * then slot. An uptime is compared by our own clock, never by the device's: by the monotonic one where both reads are of
 * this process, since a wall clock that is set meanwhile would make a boot, or hide one.
 *
 * @param now when the read of `state` began, on the monotonic clock
 */
export function newBoot(state: DeviceState, since?: Since, now?: number): NewBoot {
  if (since === undefined) return "not-checked";
  const { before } = since;
  if (state.bootId !== undefined && before?.bootId !== undefined) {
    return state.bootId === before.bootId ? "unchanged" : "seen";
  }
  const slots = state.slot !== undefined && before?.slot !== undefined;
  if (state.uptime !== undefined) {
    const boot = bootByUptime(state.uptime, state, since, now);
    return boot === "unclear" && slots && state.slot !== before.slot ? "seen" : boot;
  }
  if (slots) return state.slot === before.slot ? "unchanged" : "seen";
  return state.bootId === undefined && state.slot === undefined ? "not-reported" : "not-checked";
}

/**
 *     before     send                 read
 *     ──┼─────────┼────────────────────┼──▶
 *        lost: what the uptime did not gain between the reads; only a boot loses more than a grain of it
 *                 ◀─── up for less ────▶     a boot since the send, beyond a grain
 *                 ◀────── up for longer ─…   none, beyond a grain
 */
function bootByUptime(
  uptime: number,
  state: DeviceState,
  since: Since,
  now: number | undefined,
): "seen" | "unchanged" | "unclear" {
  const { before } = since;
  const up = uptime * 1_000;
  const sent = msSinceSend(state, since, now);
  if (before?.uptime !== undefined) {
    if (uptime < before.uptime) return "seen";
    const lost = msBetween(before, state, since, now) - (uptime - before.uptime) * 1_000;
    if (lost >= grain && up < sent) return "seen";
  } else if (up + grain <= sent) return "seen";
  return up - grain >= sent ? "unchanged" : "unclear";
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
