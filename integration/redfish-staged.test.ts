import { describe, expect, it } from "vitest";
import { sha256 } from "../mocks/index.ts";
import { createArtifactServer } from "../src/delivery/serve/index.ts";
import { image, update } from "./redfish-kit.ts";

describe("updates that are staged", () => {
  it.for(["OnReset", "AtMaintenanceWindowStart", "InMaintenanceWindowOnReset", "OnStartUpdateRequest"] as const)(
    "when asked for %s",
    async (applyTime) => {
      const { bmc, outcome } = await update({ options: { applyTime } });
      expect(outcome).toMatchObject({ status: "staged", receipt: { status: 202, activated: false } });
      expect(bmc.device).toMatchObject({ version: "1.0.0", staged: true });
    },
  );

  it("when that is the service's own setting", async () => {
    expect((await update({ device: { applyTime: "OnReset" } })).outcome.status).toBe("staged");
  });

  it("when the task says that it waits, though nobody told before", async () => {
    const { outcome } = await update({ device: { applyTime: "OnReset", tellsApplyTime: false } });
    expect(outcome.status).toBe("staged");
  });

  it.for([
    ["manager", "/redfish/v1/Managers/bmc GracefulRestart"],
    ["system", "/redfish/v1/Systems/system GracefulRestart"],
    ["/redfish/v1/Managers/bmc", "/redfish/v1/Managers/bmc GracefulRestart"],
  ] as const)("until its %s is restarted", async ([reset, expected]) => {
    const { bmc, outcome } = await update({ options: { applyTime: "OnReset", reset } });
    expect(outcome).toMatchObject({ status: "updated", receipt: { activated: true } });
    expect(bmc.service.resets).toEqual([expected]);
  });

  it("and restarted as it was said", async () => {
    const options = { applyTime: "OnReset", reset: "manager", resetType: "ForceRestart" } as const;
    const { bmc } = await update({ options });
    expect(bmc.service.resets).toEqual(["/redfish/v1/Managers/bmc ForceRestart"]);
  });

  it("stays staged where the restart is not to be had as said", async () => {
    const options = { applyTime: "OnReset", reset: "manager", resetType: "PowerCycle" } as const;
    const { bmc, outcome } = await update({ options });
    expect(outcome).toMatchObject({ status: "failed", error: { code: "unsupported", phase: "activate" } });
    expect([bmc.service.resets, bmc.device.version]).toEqual([[], "1.0.0"]);
  });
});

describe("images that the service fetches", () => {
  it.for(["dmtf", "openbmc"] as const)("are fetched, followed and proven, %s", async (style) => {
    await using publisher = await createArtifactServer();
    const { bmc, outcome } = await update({
      device: { push: "none", style, taskMs: 100 },
      options: { publisher, applyTime: "Immediate" },
    });
    expect(outcome).toMatchObject({ status: "updated", receipt: { status: 202, bytes: image.length } });
    expect(bmc.device.received[0]).toMatchObject({ sha256: sha256(image), complete: true });
    expect(bmc.asked.filter((asked) => asked.includes("TaskMonitors")).length).toBeGreaterThan(0);
  });

  it("wait for a restart where they were told to", async () => {
    await using publisher = await createArtifactServer();
    const { outcome } = await update({ options: { publisher, push: "pull", applyTime: "OnReset" } });
    expect(outcome.status).toBe("staged");
  });

  it("are not sent again when the answer to the order was lost", async () => {
    await using publisher = await createArtifactServer();
    const { bmc, outcome } = await update({
      device: { push: "none" },
      options: { publisher },
      before: (started) => started.script({ on: "pull", fault: { kind: "cut", at: "installed" } }),
    });
    expect(outcome).toMatchObject({ status: "updated", attempts: 1, receipt: { status: 0 } });
    expect(bmc.device.received).toHaveLength(1);
  });

  it("are not served where the service only pushes, or nobody serves", async () => {
    await using publisher = await createArtifactServer();
    const { outcome } = await update({ device: { pulls: false }, options: { publisher, push: "pull" } });
    expect(outcome).toMatchObject({ status: "failed", error: { code: "unsupported", bytesOut: "none" } });
    const { outcome: alone } = await update({ options: { push: "pull" } });
    expect(alone).toMatchObject({
      status: "failed",
      error: { code: "unsupported", message: expect.stringContaining("publisher") },
    });
  });
});
