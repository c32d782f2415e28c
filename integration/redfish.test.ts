import { describe, expect, it } from "vitest";
import { createCertificateAuthority, manualTime, type RedfishDevice, sha256 } from "../mocks/index.ts";
import { createArtifactServer } from "../src/delivery/serve/index.ts";
import { Secret } from "../src/index.ts";
import { credentials, image, update, user, version } from "./redfish-kit.ts";

let served: RedfishDevice | undefined;

describe("updates that succeed", () => {
  it.for([
    ["by multipart", {}, "/redfish/v1/UpdateService/update-multipart"],
    ["raw, where that is all there is", { push: "raw" }, "/redfish/v1/UpdateService/update"],
  ] as const)("%s", async ([, device, path]) => {
    const { bmc, outcome, pushes } = await update({ device });
    expect(outcome).toMatchObject({
      status: "updated",
      attempts: 1,
      receipt: { status: 202, bytes: image.length, remoteId: "/redfish/v1/TaskService/TaskMonitors/0" },
      evidence: { proved: "version", version, health: "ok", identity: "address", newBoot: "not-reported" },
    });
    expect(pushes).toEqual([`POST ${path}`]);
    expect(bmc.device.received[0]).toMatchObject({ sha256: sha256(image), complete: true });
  });

  it.for(["multipart", "pull"] as const)("says what it was asked to say, by %s", async (push) => {
    await using publisher = await createArtifactServer();
    const targets = "/redfish/v1/UpdateService/FirmwareInventory/BMC";
    const said = { applyTime: "Immediate", forceUpdate: true } as const;
    const { bmc, outcome } = await update({ options: { publisher, push, targets, ...said } });
    expect(outcome.status).toBe("updated");
    expect(bmc.service.parameters).toEqual([{ targets: [targets], ...said }]);
  });

  it("waits as long as the task runs and the device asks", async () => {
    const client = { verification: { deadline: 10_000 } };
    const { bmc, outcome } = await update({ device: { taskMs: 1_900, retryAfter: 1 }, client });
    expect(outcome.status).toBe("updated");
    const looks = bmc.asked.filter((asked) => asked.includes("TaskMonitors"));
    expect(looks.length).toBe(2);
  });

  it("logs in by a session, once for the push, and leaves none behind", async () => {
    const { bmc, outcome, events } = await update({
      device: { user, taskMs: 100 },
      options: { auth: "session" },
      client: { credentials: async () => credentials },
    });
    expect(outcome).toMatchObject({ status: "updated", evidence: { identity: "credential" } });
    expect(bmc.service.sessions.size).toBe(0);
    const logins = bmc.asked.filter((asked) => asked === "POST /redfish/v1/SessionService/Sessions");
    // One for the push and one for each read, of the version or of health; and one more when the restart, before the
    // task was looked at, had forgotten the push's own.
    expect(logins.length).toBe(bmc.asked.filter((asked) => asked === "GET /redfish/v1/").length + 1);
    expect(events.some(({ type }) => type === "read")).toBe(true);
  });

  it("logs in over https without being told to, and knows the device by its certificate", async () => {
    const authority = createCertificateAuthority();
    const { outcome, bmc } = await update({
      device: { user, tls: authority.issue() },
      client: { credentials: async () => credentials, tls: { ca: authority.cert } },
    });
    expect(outcome).toMatchObject({ status: "updated", evidence: { identity: "tls" } });
    expect(bmc.asked).toContain("POST /redfish/v1/SessionService/Sessions");
    expect(bmc.service.sessions.size).toBe(0);
  });

  it("logs in anew where the service forgot the session between two attempts", async () => {
    const busy = { kind: "status", status: 503, headers: { "retry-after": "1" } } as const;
    const { outcome, pushes, bmc } = await update({
      device: { user },
      options: { auth: "session" },
      client: {
        credentials: async () => credentials,
        onEvent: (event) => event.type === "attempt-failed" && served?.service.sessions.clear(),
      },
      before: (started) => {
        served = started;
        started.script({ on: "push", fault: busy });
      },
    });
    expect(outcome).toMatchObject({ status: "updated", attempts: 2 });
    expect(pushes).toHaveLength(2);
    expect(bmc.service.sessions.size).toBe(0);
  });

  it("sends a token that it was given, and neither logs in nor out", async () => {
    let token = "";
    // Not restarted: no session outlives that.
    const { outcome, bmc } = await update({
      device: { user, applyTime: "OnReset" },
      client: { credentials: async () => ({ token: new Secret(token) }) },
      before: (started) => {
        token = started.service.sessions.open("root").token;
      },
    });
    expect(outcome.status).toBe("staged");
    expect(bmc.asked.filter((asked) => asked.includes("SessionService"))).toEqual([]);
    expect(bmc.service.sessions.size).toBe(1);
  });

  it("shows Basic where that is asked for", async () => {
    const { bmc, outcome } = await update({
      device: { user },
      options: { auth: "basic" },
      client: { credentials: async () => credentials },
    });
    expect(outcome.status).toBe("updated");
    expect(bmc.asked.filter((asked) => asked.startsWith("POST /redfish/v1/SessionService"))).toEqual([]);
  });

  it("knows the device by the UUID of its service root, in any case", async () => {
    const uuid = "58893887-8974-2487-2389-841168418919".toUpperCase();
    const { outcome } = await update({ device: { uuid }, options: { uuid: true }, id: uuid.toLowerCase() });
    expect(outcome).toMatchObject({ status: "updated", evidence: { identity: "reported-id" } });
  });

  it.for(["reset", "unavailable"] as const)(
    "goes through a restart that takes its time (%s)",
    async (whileRebooting) => {
      const { outcome } = await update({ device: { style: "openbmc", rebootMs: 300, whileRebooting } });
      expect(outcome).toMatchObject({ status: "updated", attempts: 1 });
    },
  );

  it.for(["manager", "/redfish/v1/Managers/bmc"])("takes a restart for evidence where %s tells of it", async (boot) => {
    const { outcome } = await update({ device: { uptime: 3_600, rebootMs: 50 }, options: { boot } });
    expect(outcome).toMatchObject({ status: "updated", evidence: { newBoot: "seen" } });
  });

  it.for(["reset", "unavailable"] as const)(
    "restart by themselves when they are to be told to (%s), which changes nothing",
    async (whileRebooting) => {
      const clock = manualTime();
      const { bmc, outcome } = await update({
        device: { clock, rebootMs: 1_000, whileRebooting },
        options: { reset: "manager" },
        client: {
          onEvent: (event) => {
            // Its task ends, and it is away until it was read in vain.
            if (event.type === "sent") clock.advance(1);
            else if (event.type === "read" && event.error !== undefined) clock.advance(1_000);
          },
        },
      });
      expect(outcome).toMatchObject({ status: "updated", attempts: 1, receipt: { activated: false } });
      expect(bmc.service.resets).toEqual([]);
    },
  );

  it("follows the manager to its active image, whose place an update changes", async () => {
    const { bmc, outcome } = await update({ device: { style: "openbmc" } });
    expect(outcome.status).toBe("updated");
    const members = new Set(bmc.asked.filter((asked) => /FirmwareInventory\/[\da-f]{8}$/.test(asked)));
    expect(members.size).toBe(2);
  });

  it("waits for a device that is busy, as long as it asks", async () => {
    const busy = { kind: "status", status: 503, headers: { "retry-after": "1" } } as const;
    const { outcome, pushes } = await update({ before: (bmc) => bmc.script({ on: "push", fault: busy }) });
    expect(outcome).toMatchObject({ status: "updated", attempts: 2 });
    expect(pushes).toHaveLength(2);
  });

  it("reads the device when the answer to its push was lost", async () => {
    const lost = { kind: "cut", at: "installed" } as const;
    const { outcome, pushes } = await update({ before: (bmc) => bmc.script({ on: "push", fault: lost }) });
    expect(outcome).toMatchObject({ status: "updated", receipt: { acknowledgedBy: "readback", status: 0 } });
    expect(pushes).toHaveLength(1);
  });
});
