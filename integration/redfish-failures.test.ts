import { describe, expect, it } from "vitest";
import { makeFirmware, type RedfishFault } from "../mocks/index.ts";
import { credentials, update, user, version } from "./redfish-kit.ts";

describe("updates that fail", () => {
  it.for(["critical", "exception"] as const)("when the task ends as %s", async (ending) => {
    for (const style of ["dmtf", "openbmc"] as const) {
      const { outcome } = await update({ device: { ending, style } });
      expect(outcome).toMatchObject({
        status: "failed",
        error: { code: "device_error", phase: "settle", message: expect.stringContaining("Update.1.0.ApplyFailed") },
        receipt: { status: 202 },
      });
    }
  });

  it("before the first byte, when the image is larger than the service takes", async () => {
    const { bmc, outcome, pushes } = await update({ device: { maxImageSizeBytes: 100_000 } });
    expect(outcome).toMatchObject({ status: "failed", error: { code: "artifact_too_large", bytesOut: "none" } });
    expect(outcome).toMatchObject({ error: { message: expect.stringMatching(/100000.*300000/) } });
    expect([pushes, bmc.device.counters.bytesReceived]).toEqual([[], 0]);
  });

  it("with a hint, when a body over a limit that was not told ends the connection", async () => {
    const bytes = makeFirmware({ version, length: 20_000_000 });
    const device = { maxImageSizeBytes: 100_000, tellsLimit: false };
    const { outcome } = await update({ device, bytes });
    expect(outcome).toMatchObject({ status: "failed", attempts: 3, error: { code: "connection_lost" } });
    expect(outcome).toMatchObject({ error: { message: expect.stringContaining("too large") } });
  });

  it("when the advertised push URI is dead", async () => {
    const { outcome, pushes } = await update({ device: { deadPush: true } });
    expect(outcome).toMatchObject({ status: "failed", error: { code: "refused", reply: { status: 404 } } });
    expect(outcome).toMatchObject({ error: { message: expect.stringContaining("push URI that it advertises") } });
    expect(pushes).toHaveLength(1);
  });

  it("when the service knows no such target, and says 500", async () => {
    const { outcome } = await update({ options: { targets: "/redfish/v1/Nowhere", inventory: "BMC" } });
    expect(outcome).toMatchObject({ status: "failed", error: { code: "device_error", reply: { status: 500 } } });
  });

  it("when the device is not well afterwards", async () => {
    const { outcome } = await update({ device: { health: "failing-after-update" } });
    expect(outcome).toMatchObject({ status: "failed", error: { code: "unhealthy" } });
  });

  it("when the task says that all is well, and the old version runs on", async () => {
    const { outcome } = await update({
      device: { applyTime: "OnReset", style: "openbmc", tellsApplyTime: false },
    });
    expect(outcome).toMatchObject({ status: "failed", error: { code: "not_updated" }, receipt: { status: 202 } });
  });
});

describe("whatever goes wrong on the way to the first byte", () => {
  const faults: readonly (readonly [RedfishFault, code: string])[] = [
    [{ kind: "status", status: 500 }, "device_error"],
    [{ kind: "status", status: 503, headers: { "retry-after": "0" } }, "device_busy"],
    [{ kind: "status", status: 403 }, "refused"],
    [{ kind: "status", status: 301, headers: { location: "http://192.0.2.1/" } }, "redirected"],
    [{ kind: "body", body: "" }, "unreadable_state"],
    [{ kind: "body", body: "null" }, "unreadable_state"],
    [{ kind: "body", body: `${"[".repeat(100)}${"]".repeat(100)}` }, "unreadable_state"],
    [{ kind: "oversize", bytes: 100_000 }, "unreadable_state"],
    [{ kind: "oversize", bytes: 8_388_608 }, "reply_too_large"],
    [{ kind: "malformed" }, "malformed_reply"],
    [{ kind: "cut", at: "received" }, "connection_lost"],
  ];
  const places = ["root", "session", "service", "inventory", "member"] as const;

  // Of the answer to a login the headers count; whatever follows them may be as long as it likes.
  const cells = places
    .flatMap((on) => faults.map(([fault, code]) => [on, JSON.stringify(fault), fault, code] as const))
    .filter(([on, , { kind }]) => on !== "session" || kind !== "oversize");
  it.for(cells)("%s: %s", async ([on, , fault, code]) => {
    const { bmc, outcome, pushes } = await update({
      device: { user },
      options: { auth: "session" },
      client: { credentials: async () => credentials },
      before: (started) => started.script({ on, fault, times: 100 }),
    });
    expect(pushes).toEqual([]);
    expect(bmc.device.counters.bytesReceived).toBe(0);
    expect(outcome).toMatchObject({ status: "failed", error: { code } });
    expect(bmc.service.sessions.size).toBe(0);
  });
});
