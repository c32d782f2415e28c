import { describe, expect, it } from "vitest";
import type { DeliveryTraits } from "../core/delivery.ts";
import type { BytesOut, FlashwaveError, FlashwaveErrorCode, Phase } from "../core/errors.ts";
import { fault, lost } from "./fakes/index.ts";
import { backoff, type Decision, decide, leavesOpen, type RetryOptions, repeatable } from "./retry-policy.ts";

const traits: DeliveryTraits = {
  resumable: false,
  repeat: "unsafe",
  refusals: new Set([401, 403, 404, 405, 413, 415, 429, 503]),
  verdict: "readback",
  activates: "itself",
};

const retry: RetryOptions = { attempts: 3, base: 1_000, cap: 60_000, busyBase: 5_000, quietPeriod: 5_000 };

const busy = (bytesOut: BytesOut, status: number, retryAfter?: number): FlashwaveError =>
  fault("device_busy", { bytesOut, reply: { status, ...(retryAfter !== undefined && { retryAfter }) } });

const at = (phase: Phase, code: FlashwaveErrorCode, bytesOut: BytesOut, retryable = false): FlashwaveError =>
  fault(code, { phase, bytesOut, retryable });

const table: readonly [what: string, FlashwaveError, Decision][] = [
  ["refused connection", fault("connect_failed"), { next: "retry" }],
  ["connect timeout", fault("connect_timeout"), { next: "retry" }],
  ["nothing fetched", fault("not_fetched"), { next: "retry" }],
  ["bad certificate", fault("tls_failed", { phase: "connect" }), { next: "give-up", read: false }],
  ["TLS breaks at the headers", fault("tls_failed"), { next: "read" }],
  ["TLS breaks at 50 %", fault("tls_failed", { bytesOut: "some" }), { next: "read" }],
  ["wrong pin", fault("pin_mismatch"), { next: "give-up", read: false }],
  ["reset before the body", fault("connection_lost", { bytesOut: "none" }), { next: "read" }],
  ["reset at 50 %", fault("connection_lost", { bytesOut: "some" }), { next: "read" }],
  ["reset after the body", fault("connection_lost", { bytesOut: "all" }), { next: "read" }],
  ["device stops reading", fault("stall_timeout", { bytesOut: "some" }), { next: "read" }],
  ["no answer", fault("response_timeout", { bytesOut: "all" }), { next: "read" }],
  ["deadline", fault("deadline_exceeded", { bytesOut: "some" }), { next: "read" }],
  ["401 at once", fault("refused", { bytesOut: "none", reply: { status: 401 } }), { next: "give-up", read: false }],
  ["413 at 50 %", fault("refused", { bytesOut: "some", reply: { status: 413 } }), { next: "give-up", read: true }],
  [
    "415 after the body",
    fault("refused", { bytesOut: "all", reply: { status: 415 } }),
    { next: "give-up", read: true },
  ],
  ["503 at the headers, changes nothing", busy("none", 503), { next: "retry" }],
  ["429 at the headers, with Retry-After", busy("none", 429, 7_000), { next: "retry", deferred: 7_000 }],
  ["408 at the headers may have changed something", busy("none", 408), { next: "read" }],
  ["503 at 50 %", busy("some", 503), { next: "read" }],
  ["503 after the body", busy("all", 503), { next: "read" }],
  ["429 after the body, with Retry-After", busy("all", 429, 7_000), { next: "read", deferred: 7_000 }],
  ["408 after the body", busy("all", 408), { next: "read" }],
  ["500", fault("device_error", { bytesOut: "all", retryable: true, reply: { status: 500 } }), { next: "read" }],
  ["501", fault("device_error", { bytesOut: "all", reply: { status: 501 } }), { next: "read", final: true }],
  ["its own verdict", at("settle", "device_error", "all"), { next: "give-up", read: true }],
  ["its own verdict on part of it", at("settle", "device_error", "some", true), { next: "retry" }],
  ["no answer before the send began", at("connect", "response_timeout", "none"), { next: "retry" }],
  ["busy before the send began", at("connect", "device_busy", "none"), { next: "retry" }],
  ["307 at once", fault("redirected", { bytesOut: "none", reply: { status: 307 } }), { next: "give-up", read: false }],
  [
    "301 after the body",
    fault("redirected", { bytesOut: "all", reply: { status: 301 } }),
    { next: "give-up", read: true },
  ],
  ["2xx before the body's end", fault("early_reply", { bytesOut: "some", reply: { status: 200 } }), { next: "read" }],
  ["not HTTP", fault("malformed_reply", { bytesOut: "all" }), { next: "read" }],
  ["endless reply", fault("reply_too_large", { bytesOut: "all" }), { next: "read" }],
  ["file changed", fault("artifact_changed", { bytesOut: "some" }), { next: "give-up", read: false }],
  ["caller's abort", fault("aborted", { bytesOut: "some" }), { next: "give-up", read: false }],
];

describe("retry policy", () => {
  it("believes a declared refusal where nobody can check it, and no other", () => {
    expect(decide(busy("all", 503, 7), traits, false)).toEqual({ next: "retry", deferred: 7 });
    expect(decide(busy("all", 408), traits, false)).toEqual({ next: "read" });
  });

  it.each([
    ["a lost answer", lost, true],
    ["a failure", fault("device_error", { retryable: true, reply: { status: 500 } }), true],
    ["busy, and perhaps it did something", busy("all", 408), true],
    ["busy, and it declares that it did nothing", busy("all", 503), false],
    ["it cannot do that", fault("device_error", { reply: { status: 501 } }), false],
    ["a refusal", fault("refused", { reply: { status: 403 } }), false],
    ["no connection", fault("connect_failed"), false],
  ])("an order that ended in %s may have been followed: %s %s", (_what, error, open) => {
    expect(leavesOpen(error, traits)).toBe(open);
  });

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
    expect(
      backoff(1, { next: "retry" }, fault("device_busy", { bytesOut: "all", reply: { status: 503 } }), retry, highest),
    ).toBe(4_999);
  });

  it("waits exactly as long as the device asked", () => {
    expect(
      backoff(
        3,
        { next: "retry", deferred: 1_234 },
        fault("device_busy", { bytesOut: "all", reply: { status: 503, retryAfter: 1_234 } }),
        retry,
        () => 0,
      ),
    ).toBe(1_234);
  });
});
