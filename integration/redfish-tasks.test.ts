import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { startRedfishDevice } from "../mocks/index.ts";
import { redfish } from "../src/delivery/redfish/index.ts";
import { openArtifact } from "../src/index.ts";
import { failure, fastClient } from "./kit.ts";
import { credentials, image, update, user, version } from "./redfish-kit.ts";

describe("tasks that cannot be followed to their end", () => {
  it("takes 204, which is told once, for the end", async () => {
    const { bmc, outcome } = await update({ device: { style: "openbmc", applyTime: "OnReset" } });
    expect(outcome.status).toBe("staged");
    expect(bmc.asked.filter((asked) => asked.includes("TaskMonitors"))).toHaveLength(1);
    expect(bmc.asked).toContain("GET /redfish/v1/TaskService/Tasks/0");
  });

  it("verifies when the task vanished", async () => {
    const { outcome } = await update({ device: { style: "openbmc", ending: "vanishes" } });
    expect(outcome).toMatchObject({ status: "updated", attempts: 1 });
  });

  it("verifies when nobody answers any more", async () => {
    const { outcome } = await update({
      before: (bmc) => bmc.script({ on: "monitor", fault: { kind: "cut", at: "received" } }),
    });
    expect(outcome.status).toBe("updated");
  });

  it("never follows a monitor to another origin", async () => {
    const { bmc, outcome } = await update({ device: { locationOrigin: "http://192.0.2.1:9" } });
    expect(outcome).toMatchObject({
      status: "updated",
      receipt: { remoteId: "/redfish/v1/TaskService/TaskMonitors/0" },
    });
    expect(bmc.asked).toContain("GET /redfish/v1/TaskService/TaskMonitors/0");
  });

  it("reads the device when a task never ends", async () => {
    const { outcome, events } = await update({
      device: { ending: "never" },
      client: { verification: { deadline: 600 } },
    });
    // It may still be installing: nobody may send again without a read.
    expect(outcome).toMatchObject({ status: "unknown", error: { code: "outcome_unknown" }, receipt: { status: 202 } });
    expect(outcome.attempts).toBe(1);
    expect(events.filter(({ type }) => type === "read").length).toBeGreaterThan(0);
  });
});

describe("callers that have waited enough", () => {
  it("an abort while a task runs ends the update as unknown, and the session", async () => {
    await using bmc = await startRedfishDevice({ user, ending: "never" });
    await using client = fastClient({
      deliveries: [redfish({ auth: "session" })],
      credentials: async () => credentials,
    });
    await using artifact = await openArtifact(image, { version });
    const controller = new AbortController();
    const updating = client.update({ id: "bmc-001", address: bmc.url }, artifact, { signal: controller.signal });
    while (!bmc.asked.some((asked) => asked.includes("TaskMonitors"))) await pause(10);
    controller.abort(new Error("enough"));
    expect(await updating).toMatchObject({ status: "unknown", error: { code: "aborted" }, receipt: { status: 202 } });
    // Where a poll was cut off, the goodbye is on its way but not waited for.
    await expect.poll(() => bmc.service.sessions.size).toBe(0);
  });

  it("a push is a push: it neither waits for the task nor leaves a session behind", async () => {
    await using bmc = await startRedfishDevice({ user, ending: "never" });
    await using client = fastClient({
      deliveries: [redfish({ auth: "session" })],
      credentials: async () => credentials,
    });
    await using artifact = await openArtifact(image, { version });
    const receipt = await client.push({ id: "bmc-001", address: bmc.url }, artifact);
    expect(receipt).toMatchObject({ status: 202, bytes: image.length, activated: true });
    expect(bmc.service.sessions.size).toBe(0);
  });

  it("a profile that makes no sense sends nothing", async () => {
    await using bmc = await startRedfishDevice();
    await using client = fastClient({ deliveries: [redfish()] });
    await using artifact = await openArtifact(image, { version });
    const device = { id: "bmc-001", address: bmc.url, profile: { options: { applyTime: "Soon" } } };
    expect(await failure(() => client.push(device, artifact))).toMatchObject({ code: "invalid_profile" });
    expect(bmc.asked).toEqual([]);
  });
});
