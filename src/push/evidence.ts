import type { ArtifactRef } from "../core/artifact.ts";
import type { DeviceState, Evidence } from "../core/outcome.ts";
import type { VersionScheme } from "../core/versions.ts";
import { type NewBoot, newBoot, type Since } from "./boot.ts";

/** What a verification looks for. */
export interface Expectation {
  readonly device: string;
  readonly artifact: ArtifactRef;
  readonly versions: Pick<VersionScheme, "equal">;
  /** The send that the reads are held against. */
  readonly since?: Since;
  /** Whether a device that reports boots must have booted since the send. */
  readonly newBoot: boolean;
  /** Milliseconds for which the good reads must go on. */
  readonly stableFor: number;
}

/** One read, held against the expectation. */
export type Reading =
  | { readonly kind: "match"; readonly proved: "digest" | "version"; readonly boot: Exclude<NewBoot, "unchanged"> }
  /** The right version, but the device did not boot since the send. */
  | { readonly kind: "no-boot" }
  /** It says what it said before the send, and its uptime cannot tell whether it booted: a later read may. */
  | { readonly kind: "unclear" }
  | { readonly kind: "old" }
  | { readonly kind: "other" }
  | { readonly kind: "wrong-digest" }
  | { readonly kind: "wrong-device" }
  /** Neither the artifact nor the device offers anything to compare. */
  | { readonly kind: "incomparable" }
  /** It says what it said before the send, and nothing by which the one could be told from the other. */
  | { readonly kind: "indistinct" };

/** @param now when the read of the state began, on the monotonic clock */
export function judge(state: DeviceState, expected: Expectation, now?: number): Reading {
  const { artifact, since } = expected;
  if (state.deviceId !== undefined && state.deviceId !== expected.device) return { kind: "wrong-device" };
  const digestMatches = state.digest === undefined ? undefined : state.digest === artifact.digest;
  if (artifact.version === "" && digestMatches === undefined) {
    // It reported a digest before: whatever speaks while it restarts does not.
    return since?.before?.digest === undefined ? { kind: "incomparable" } : { kind: "old" };
  }
  const versionMatches = artifact.version === "" || expected.versions.equal(state.version, artifact.version);
  if (!versionMatches || (artifact.version === "" && digestMatches === false)) {
    const before = since?.before;
    // Without an earlier read there is no telling the old version from another one.
    return before === undefined || sameImage(before, state) ? { kind: "old" } : { kind: "other" };
  }
  if (digestMatches === false)
    return since?.before?.digest === state.digest ? { kind: "old" } : { kind: "wrong-digest" };
  const boot = expected.newBoot ? newBoot(state, since, now) : "not-checked";
  if (boot === "unchanged") return { kind: "no-boot" };
  const before = since?.before;
  if (!digestMatches && boot !== "seen" && before !== undefined && sameImage(before, state))
    return { kind: boot === "unclear" ? "unclear" : "indistinct" };
  return { kind: "match", proved: digestMatches ? "digest" : "version", boot };
}

function sameImage(a: DeviceState, b: DeviceState): boolean {
  return a.version === b.version && a.digest === b.digest;
}

/** What the reads so far amount to. Times are monotonic milliseconds. */
export interface Fold {
  readonly reads: number;
  /** The unbroken row of good reads, if the last read was good. */
  readonly row?: { readonly since: number; readonly firstSeenAt: number };
  /** The unbroken row of reads that agree on another version. */
  readonly other?: { readonly since: number; readonly version: string };
  readonly last?: { readonly state: DeviceState; readonly reading: Reading };
}

export const nothingRead: Fold = Object.freeze({ reads: 0 });

/** What to do next. `hold`: good so far, read again once the row is `stableFor` old. */
export type Verdict =
  | "poll"
  | "hold"
  | "proven"
  | "wrong-version"
  | "wrong-device"
  | "wrong-digest"
  | "incomparable"
  | "indistinct";

/** A version that is neither old nor new must be seen this many times `stableFor`: bootloaders show one for a while. */
const otherPatience = 6;

/**
 * Folds one read into what is known; `undefined` is a read that failed. Pure.
 *
 * @param began when the read began, `now` being when it ended
 */
export function fold(
  known: Fold,
  state: DeviceState | undefined,
  now: number,
  expected: Expectation,
  began: number = now,
): [Fold, Verdict] {
  const reads = known.reads + 1;
  // A device that does not answer is restarting, for all we know: the rows begin anew.
  if (state === undefined) return [{ reads, ...(known.last && { last: known.last }) }, "poll"];
  const reading = judge(state, expected, began);
  const last = { state, reading };
  switch (reading.kind) {
    case "match": {
      const row =
        known.row !== undefined && known.last !== undefined && !rebooted(known.last.state, state)
          ? known.row
          : { since: now, firstSeenAt: state.readAt };
      return [{ reads, row, last }, now - row.since >= expected.stableFor ? "proven" : "hold"];
    }
    case "other": {
      const other = known.other?.version === state.version ? known.other : { since: now, version: state.version };
      const stable = now - other.since >= otherPatience * expected.stableFor && other === known.other;
      return [{ reads, other, last }, stable ? "wrong-version" : "poll"];
    }
    case "old":
    case "no-boot":
    case "unclear":
      return [{ reads, last }, "poll"];
    case "wrong-device":
    case "wrong-digest":
    case "incomparable":
    case "indistinct":
      return [{ reads, last }, reading.kind];
    default:
      return reading satisfies never;
  }
}

/** Whether two reads, one after the other, show two boots by anything that the device reports. */
function rebooted(earlier: DeviceState, later: DeviceState): boolean {
  if (earlier.bootId !== later.bootId || earlier.slot !== later.slot) return true;
  return (later.uptime ?? 0) < (earlier.uptime ?? 0);
}

/** The evidence of a proven fold. */
export function evidenceOf(known: Fold, health: Evidence["health"], expected: Expectation): Evidence {
  const { last, row } = known;
  if (last?.reading.kind !== "match" || row === undefined) throw new TypeError("only a proven fold is evidence");
  const { state, reading } = last;
  return {
    device: expected.device,
    proved: reading.proved,
    version: state.version,
    ...(state.digest !== undefined && { digest: state.digest }),
    ...(state.slot !== undefined && { slot: state.slot }),
    ...(state.bootId !== undefined && { bootId: state.bootId }),
    newBoot: reading.boot,
    health,
    identity: state.identity,
    reads: known.reads,
    firstSeenAt: row.firstSeenAt,
    lastSeenAt: state.readAt,
  };
}
