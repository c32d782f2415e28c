import { inspect } from "node:util";
import { errors } from "undici";
import { describe, expect, it } from "vitest";
import { FlashwaveError, type FlashwaveErrorCode } from "../core/errors.ts";
import { type FaultContext, fault, wireError } from "./faults.ts";

const context = (changes: Partial<FaultContext> = {}): FaultContext => ({
  origin: "https://10.0.0.1",
  phase: "send",
  started: true,
  status: 0,
  bytesOut: "some",
  ...changes,
});
const error = (code: string, message = "") => Object.assign(new Error(message), { code });

describe("before a request was begun", () => {
  it("a name without an address is advised about its name", () => {
    const advice = (code: string) => fault(error(code), context({ started: false })).message;
    expect(advice("ENOTFOUND")).toContain("check how it is spelt");
    expect(advice("EAI_AGAIN")).toContain("check how it is spelt");
    expect(advice("ECONNREFUSED")).toContain("Check that the device is on");
  });

  it.each([
    ["ECONNREFUSED", "connect_failed"],
    ["ECONNRESET", "connect_failed"],
    ["EHOSTUNREACH", "connect_failed"],
    ["ENETUNREACH", "connect_failed"],
    ["ETIMEDOUT", "connect_failed"],
    ["EMFILE", "connect_failed"],
    ["ENOTFOUND", "connect_failed"],
    ["EAI_AGAIN", "connect_failed"],
    ["UND_ERR_CONNECT_TIMEOUT", "connect_failed"],
    ["ERR_SOCKET_CONNECTION_TIMEOUT", "connect_failed"],
    ["", "connect_failed"],
    ["EPROTO", "tls_failed"],
    ["ERR_SSL_WRONG_VERSION_NUMBER", "tls_failed"],
    ["ERR_TLS_CERT_ALTNAME_INVALID", "tls_failed"],
    ["DEPTH_ZERO_SELF_SIGNED_CERT", "tls_failed"],
    ["CERT_HAS_EXPIRED", "tls_failed"],
    ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "tls_failed"],
  ])("%s is %s", (code, ours) => {
    const seen = fault(error(code), context({ started: false, bytesOut: "none" }));
    expect(seen).toMatchObject({
      code: ours,
      phase: "connect",
      bytesOut: "none",
      retryable: ours === "connect_failed",
    });
    expect(seen.cause).toBeInstanceOf(Error);
    expect(seen.message).toContain(code);
  });
});

describe("after a request was begun", () => {
  it.each([
    ["ECONNRESET", "", 0, "connection_lost", true],
    ["EPIPE", "", 0, "connection_lost", true],
    ["UND_ERR_SOCKET", "other side closed", 0, "connection_lost", true],
    ["UND_ERR_SOCKET", "bad response", 0, "malformed_reply", true],
    ["UND_ERR_SOCKET", "bad upgrade", 0, "malformed_reply", true],
    ["UND_ERR_RES_CONTENT_LENGTH_MISMATCH", "", 0, "malformed_reply", true],
    ["UND_ERR_RES_CONTENT_LENGTH_MISMATCH", "", 200, "connection_lost", true],
    ["UND_ERR_HEADERS_OVERFLOW", "", 0, "reply_too_large", true],
    ["ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED", "", 0, "tls_failed", false],
  ])("%s (%s) with status %d is %s", (code, message, status, ours, retryable) => {
    const seen = fault(error(code, message), context({ status }));
    expect(seen).toMatchObject({ code: ours, phase: "send", bytesOut: "some", retryable });
    expect(seen.reply).toEqual(status === 0 ? undefined : { status });
  });

  it.each([
    [
      "Response does not match the HTTP/1.1 protocol (Invalid character in chunk size)",
      "malformed_reply",
      /chunk size/,
    ],
    ["Response does not match the HTTP/1.1 protocol (Invalid EOF state)", "connection_lost", /before it answered/],
    ["", "malformed_reply", /cannot be parsed/],
  ])("what llhttp says, %j, is %s", (message, code, shown) => {
    const seen = fault(Object.assign(new errors.HTTPParserError(message), { data: "canary" }), context());
    expect(seen).toMatchObject({ code, message: expect.stringMatching(shown) });
    if (code === "malformed_reply") expect(inspect(seen)).not.toContain("canary");
  });

  it.each([undefined, null, "text", 7, {}, { code: 7 }])("%j thrown is a lost connection", (thrown) => {
    expect(fault(thrown, context())).toMatchObject({ code: "connection_lost" });
  });
});

describe("an error of our own", () => {
  const own = new FlashwaveError("artifact_changed", "a block differs", { phase: "artifact" });

  it("passes as it is when it tells the truth about what left", () => {
    expect(fault(own, context({ bytesOut: "none" }))).toBe(own);
  });

  it("keeps code, phase and message, and learns what left", () => {
    const seen = fault(own, context({ bytesOut: "some" }));
    expect(seen).toMatchObject({
      code: "artifact_changed",
      message: "a block differs",
      phase: "artifact",
      bytesOut: "some",
    });
    expect(seen.cause).toBe(own);
  });
});

describe("advice", () => {
  const told = (code: FlashwaveErrorCode, more: Partial<FaultContext> = {}) =>
    wireError(code, "Seen.", context(more)).message;

  it.each([
    "stall_timeout",
    "response_timeout",
    "deadline_exceeded",
    "connection_lost",
    "aborted",
    "tls_failed",
  ] as const)("%s: a device that was given bytes is read before anything else", (code) => {
    expect(told(code)).toMatch(/^Seen\. (?:Check .*\. )?Read the device before anything more is sent to it\.$/);
    expect(told(code, { bytesOut: "none" })).not.toContain("Read the device");
    expect(told(code, { phase: "inspect" })).not.toContain("Read the device");
  });

  it("names the limit that ended it", () => {
    expect(told("stall_timeout")).toContain("raise timeouts.stall.");
    expect(told("response_timeout")).toContain("raise timeouts.response.");
  });
});
