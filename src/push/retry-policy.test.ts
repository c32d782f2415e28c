import { describe, expect, it } from "vitest";
import type { DeliveryTraits } from "../core/delivery.ts";
import { type BytesOut, FlashwaveError, type FlashwaveErrorCode } from "../core/errors.ts";
import { backoff, type Decision, decide, type RetryOptions, repeatable } from "./retry-policy.ts";

const traits: DeliveryTraits = {
  resumable: false,
  repeat: "unsafe",
  refusals: new Set([401, 403, 404, 405, 413, 415, 429, 503]),
  verdict: "readback",
  activates: "itself",
};

const retry: RetryOptions = { attempts: 3, base: 1_000, cap: 60_000, busyBase: 5_000, quietPeriod: 5_000 };

function fault(
  code: FlashwaveErrorCode,
  bytesOut: BytesOut = "none",
  status?: number,
  retryAfter?: number,
): FlashwaveError {
  return new FlashwaveError(code, "fault", {
    phase: "send",
    bytesOut,
    ...(status !== undefined && { reply: { status, ...(retryAfter !== undefined && { retryAfter }) } }),
  });
}

const table: readonly [what: string, FlashwaveError, Decision][] = [
  ["refused connection", fault("connect_failed"), { next: "retry" }],
  ["connect timeout", fault("connect_timeout"), { next: "retry" }],
  ["bad certificate", fault("tls_failed"), { next: "give-up", read: false }],
  ["wrong pin", fault("pin_mismatch"), { next: "give-up", read: false }],
  ["reset before the body", fault("connection_lost", "none"), { next: "read" }],
  ["reset at 50 %", fault("connection_lost", "some"), { next: "read" }],
  ["reset after the body", fault("connection_lost", "all"), { next: "read" }],
  ["device stops reading", fault("stall_timeout", "some"), { next: "read" }],
  ["no answer", fault("response_timeout", "all"), { next: "read" }],
  ["deadline", fault("deadline_exceeded", "some"), { next: "read" }],
  ["401 at once", fault("refused", "none", 401), { next: "give-up", read: false }],
  ["413 at 50 %", fault("refused", "some", 413), { next: "give-up", read: true }],
  ["415 after the body", fault("refused", "all", 415), { next: "give-up", read: true }],
  ["503 that changes nothing", fault("device_busy", "all", 503), { next: "retry" }],
  ["429 with Retry-After", fault("device_busy", "all", 429, 7_000), { next: "retry", deferred: 7_000 }],
  ["408 may have changed something", fault("device_busy", "all", 408), { next: "read" }],
  ["500", fault("device_error", "all", 500), { next: "read" }],
  ["307 at once", fault("redirected", "none", 307), { next: "give-up", read: false }],
  ["301 after the body", fault("redirected", "all", 301), { next: "give-up", read: true }],
  ["2xx before the body's end", fault("early_reply", "some", 200), { next: "read" }],
  ["not HTTP", fault("malformed_reply", "all"), { next: "read" }],
  ["endless reply", fault("reply_too_large", "all"), { next: "read" }],
  ["file changed", fault("artifact_changed", "some"), { next: "give-up", read: false }],
  ["caller's abort", fault("aborted", "some"), { next: "give-up", read: false }],
];

describe("retry policy", () => {
  it.each(table)("%s", (_what, error, decision) => {
    expect(decide(error, traits)).toEqual(decision);
  });

  it("sends again unread only where the protocol makes twice the same as once", () => {
    expect(repeatable(traits)).toBe(false);
    expect(repeatable({ ...traits, repeat: "idempotent" })).toBe(true);
    expect(repeatable({ ...traits, repeat: "same-digest" })).toBe(true);
  });

  it("draws delays from below a doubling, capped ceiling", () => {
    const highest = () => 0.999_999;
    const delays = [1, 2, 3, 10].map((attempt) =>
      backoff(attempt, { next: "retry" }, fault("connect_failed"), retry, highest),
    );
    expect(delays).toEqual([999, 1_999, 3_999, 59_999]);
    expect(backoff(1, { next: "retry" }, fault("connect_failed"), retry, () => 0)).toBe(0);
    expect(backoff(1, { next: "retry" }, fault("device_busy", "all", 503), retry, highest)).toBe(4_999);
  });

  it("waits exactly as long as the device asked", () => {
    expect(
      backoff(3, { next: "retry", deferred: 1_234 }, fault("device_busy", "all", 503, 1_234), retry, () => 0),
    ).toBe(1_234);
  });
});
