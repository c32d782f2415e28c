import { type FlashwaveErrorCode, isFlashwaveError } from "../../core/errors.ts";
import type { Reach } from "./circuit-breaker.ts";

const unreachable: ReadonlySet<FlashwaveErrorCode> = new Set(["connect_failed", "connect_timeout"]);

/** These come before or beside the way to the device. */
const own: ReadonlySet<FlashwaveErrorCode> = new Set([
  "aborted",
  "client_closed",
  "invalid_option",
  "invalid_address",
  "address_denied",
  "invalid_header",
  "invalid_path",
  "invalid_profile",
  "credentials_failed",
  "artifact_unreadable",
  "artifact_changed",
  "artifact_disposed",
  "outcome_unknown",
]);

/** What an attempt that failed shows of its site. A device that refuses, or is slow, has been reached. */
export function reachOf(error: unknown): Reach {
  if (!isFlashwaveError(error) || own.has(error.code)) return "nothing";
  return unreachable.has(error.code) ? "unreachable" : "reached";
}

const timeouts: ReadonlySet<FlashwaveErrorCode> = new Set([
  "connect_timeout",
  "stall_timeout",
  "response_timeout",
  "deadline_exceeded",
]);

/** A timeout has cost the site more than a fault that was told at once. */
export function isTimeout({ code }: { readonly code: FlashwaveErrorCode }): boolean {
  return timeouts.has(code);
}
