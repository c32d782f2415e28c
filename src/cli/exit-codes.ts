import type { FlashwaveError, FlashwaveErrorCode } from "../core/index.ts";

export interface ExitCodes {
  readonly ok: number;
  /** The demonstration did not go as planned. */
  readonly unplanned: number;
  /** The command line cannot be meant as it stands; nothing was sent. */
  readonly usage: number;
  readonly failed: number;
  readonly unknown: number;
  /** A device was read, and does not run the artifact in good health. */
  readonly unproven: number;
  /** The artifact was not admitted by what `--trusted-key` asks for; nothing of it was sent. */
  readonly refused: number;
  /** 128 + SIGINT, as shells have it. */
  readonly interrupted: number;
  /** 128 + SIGTERM. */
  readonly terminated: number;
}

/** What the process ends with. Of `failed`, `unknown`, `unproven` and `refused` the highest that occurred wins. */
export const exitCodes: ExitCodes = Object.freeze({
  ok: 0,
  unplanned: 1,
  usage: 2,
  failed: 3,
  unknown: 4,
  unproven: 5,
  refused: 6,
  interrupted: 130,
  terminated: 143,
});

const unproven: ReadonlySet<FlashwaveErrorCode> = new Set([
  "not_updated",
  "wrong_version",
  "wrong_digest",
  "wrong_device",
  "unhealthy",
]);

const refused: ReadonlySet<FlashwaveErrorCode> = new Set([
  "unsigned",
  "invalid_manifest",
  "untrusted",
  "manifest_expired",
  "manifest_mismatch",
  "wrong_hardware",
  "hardware_unknown",
  "version_too_old",
  "downgrade_refused",
  "invalid_approval",
]);

/** An error as far as an exit code asks. */
type Told = Pick<FlashwaveError, "code"> & Partial<Pick<FlashwaveError, "phase">>;

/** Whether an error is admission's "no". A digest that does not fit is one there; else it is what `--digest` asked for. */
export const isRefusal = ({ code, phase }: Told): boolean =>
  refused.has(code) || (code === "artifact_digest_mismatch" && phase === "admission");

/** The exit code that one device's result asks for. What was staged runs nowhere yet: fine where that was asked for. */
export function exitCodeOf(result: { readonly status: string; readonly error?: Told }, stagingAsked = false): number {
  if (result.status === "unknown") return exitCodes.unknown;
  if (result.status === "staged" && !stagingAsked) return exitCodes.unknown;
  if (result.status !== "failed") return exitCodes.ok;
  if (result.error !== undefined && isRefusal(result.error)) return exitCodes.refused;
  return result.error !== undefined && unproven.has(result.error.code) ? exitCodes.unproven : exitCodes.failed;
}
