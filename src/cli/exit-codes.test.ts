import { expect, it } from "vitest";
import { errorCodes, type FlashwaveErrorCode } from "../core/index.ts";
import { exitCodeOf } from "./exit-codes.ts";

it.each(["updated", "sent", "skipped", "verified", "read"])("%s asks for 0", (status) =>
  expect(exitCodeOf({ status })).toBe(0),
);

it("asks for 4 where a device staged what was to be installed, for 0 where that was asked for", () =>
  expect([exitCodeOf({ status: "staged" }), exitCodeOf({ status: "staged" }, true)]).toEqual([4, 0]));

it("asks for 4 whatever made it unknown", () => {
  for (const code of Object.keys(errorCodes) as FlashwaveErrorCode[]) {
    expect(exitCodeOf({ status: "unknown", error: { code } })).toBe(4);
  }
});

it("asks for 5 where a device was read and does not run the artifact in good health, for 6 where it was not admitted, else for 3", () => {
  const codes = Object.keys(errorCodes) as FlashwaveErrorCode[];
  const unproven = codes.filter((code) => exitCodeOf({ status: "failed", error: { code } }) === 5);
  expect(unproven).toEqual(["not_updated", "wrong_version", "wrong_digest", "wrong_device", "unhealthy"]);
  const refused = codes.filter((code) => exitCodeOf({ status: "failed", error: { code } }) === 6);
  expect(refused).toEqual(codes.slice(codes.indexOf("unsigned"), codes.indexOf("invalid_approval") + 1));
  const mismatch = (phase: "admission" | "artifact") =>
    exitCodeOf({ status: "failed", error: { code: "artifact_digest_mismatch", phase } });
  expect([mismatch("admission"), mismatch("artifact")]).toEqual([6, 3]);
  const rest = codes.filter((code) => !unproven.includes(code) && !refused.includes(code));
  expect(rest.map((code) => exitCodeOf({ status: "failed", error: { code } }))).toEqual(rest.map(() => 3));
});
