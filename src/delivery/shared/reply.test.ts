import { Buffer } from "node:buffer";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../core/clock.ts";
import { type FlashwaveError, isFlashwaveError } from "../../core/errors.ts";
import type { ExchangeReply } from "../../core/transport.ts";
import { replyError, requireSuccess } from "./reply.ts";

const now = Date.UTC(2026, 10, 21);
const context = { phase: "send", device: "d", clock: { ...systemClock, wall: () => now } } as const;

function reply(status: number, changes: Partial<ExchangeReply> & { retryAfter?: string } = {}): ExchangeReply {
  const { retryAfter, ...rest } = changes;
  const headers = new Map(retryAfter === undefined ? [] : [["retry-after", retryAfter]]);
  return { status, headers, body: new Uint8Array(), sent: "all", peer: "none", ...rest };
}

function judged(answer: ExchangeReply): FlashwaveError | undefined {
  try {
    requireSuccess(answer, context);
    return undefined;
  } catch (error) {
    if (isFlashwaveError(error)) return error;
    throw error;
  }
}

describe("requireSuccess", () => {
  it.each([200, 201, 202, 204, 299])("takes %d to a wholly sent request", (status) => {
    expect(judged(reply(status))).toBeUndefined();
  });

  it.each([200, 204])("takes %d to half a body for no acknowledgement", (status) => {
    expect(judged(reply(status, { sent: "partial" }))).toMatchObject({
      code: "early_reply",
      bytesOut: "some",
      retryable: true,
    });
  });

  it.each([
    [101, "malformed_reply", false],
    [300, "redirected", false],
    [304, "redirected", false],
    [307, "redirected", false],
    [399, "redirected", false],
    [400, "refused", false],
    [401, "refused", false],
    [403, "refused", false],
    [404, "refused", false],
    [405, "refused", false],
    [407, "refused", false],
    [408, "device_busy", true],
    [409, "refused", false],
    [413, "refused", false],
    [415, "refused", false],
    [429, "device_busy", true],
    [499, "refused", false],
    [500, "device_error", true],
    [501, "device_error", false],
    [502, "device_error", true],
    [503, "device_busy", true],
    [504, "device_error", true],
    [505, "device_error", false],
    [599, "device_error", true],
    [600, "malformed_reply", false],
    [999, "malformed_reply", false],
  ])("%d is %s", (status, code, retryable) => {
    expect(judged(reply(status))).toMatchObject({ code, retryable, phase: "send", device: "d", bytesOut: "all" });
    expect(judged(reply(status, { sent: "partial" }))).toMatchObject({ code, retryable, bytesOut: "some" });
    expect(judged(reply(status))?.message).toContain(`answered ${status} `);
  });

  it("keeps the status, the wait and the device's words beside the message, never in it", () => {
    const error = judged(reply(503, { retryAfter: "20", body: Buffer.from("updating\x1b[31m, be patient") }));
    expect(error?.reply).toEqual({ status: 503, retryAfter: 20_000, excerpt: "updating [31m, be patient" });
    expect(error?.message).not.toContain("patient");
    expect(JSON.stringify(error)).not.toContain("patient");
  });

  it("names what was answered, without its query", () => {
    const request = { method: "POST", path: "/update?user=admin&password=s3cret" };
    const error = replyError("refused", "No.", reply(404), { ...context, request });
    expect(error.message).toBe("No. This was its answer to POST /update.");
  });

  it("reads a date against the clock that it was given", () => {
    const retryAfter = new Date(now + 45_000).toUTCString();
    expect(judged(reply(429, { retryAfter }))?.reply).toEqual({ status: 429, retryAfter: 45_000 });
  });
});
