import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import {
  createCertificateAuthority,
  makeFirmware,
  manualTime,
  type RedfishDevice,
  type RedfishDeviceOptions,
  type RedfishFault,
  sha256,
  startRedfishDevice,
} from "../mocks/index.ts";
import { type RedfishOptions, redfish } from "../src/delivery/redfish/index.ts";
import { createArtifactServer } from "../src/delivery/serve/index.ts";
import {
  type ClientEvent,
  type ClientOptions,
  type Credentials,
  type DeviceOutcome,
  openArtifact,
  Secret,
} from "../src/index.ts";
import { contradictions, failure, fastClient } from "./kit.ts";

const version = "2.0.0";
const image = makeFirmware({ version, length: 300_000 });
const user = { name: "root", password: "0penBmc" };
const credentials: Credentials = { username: user.name, password: new Secret(user.password) };

interface Update {
  readonly bmc: RedfishDevice;
  readonly outcome: DeviceOutcome;
  readonly events: readonly ClientEvent[];
  /** Requests by method and path, those of pushes alone. */
  readonly pushes: readonly string[];
}

interface Setting {
  readonly device?: RedfishDeviceOptions;
  readonly options?: RedfishOptions;
  readonly client?: ClientOptions;
  readonly id?: string;
  readonly bytes?: Uint8Array;
  readonly before?: (bmc: RedfishDevice) => void;
}

/** One update through the whole client, and what the device then says to it. */
async function update(setting: Setting = {}): Promise<Update> {
  const { device = {}, options, client: clientOptions, id = "bmc-001", bytes = image, before } = setting;
  await using bmc = await startRedfishDevice(device);
  before?.(bmc);
  const events: ClientEvent[] = [];
  await using client = fastClient({
    deliveries: [redfish(options)],
    onEvent: (event) => events.push(event),
    ...clientOptions,
    verification: { deadline: 1_500, ...clientOptions?.verification },
  });
  await using artifact = await openArtifact(bytes, { version });
  const outcome = await client.update({ id, address: bmc.url }, artifact);
  expect(contradictions(outcome, bmc.device)).toEqual([]);
  expect(JSON.stringify([outcome, events])).not.toContain(user.password);
  return { bmc, outcome, events, pushes: bmc.asked.filter((asked) => /^POST .*\/update/.test(asked)) };
}

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

describe("bad input", () => {
  const refused = async (setting: Setting, expected: object) => {
    const { bmc, outcome, pushes } = await update(setting);
    expect(outcome).toMatchObject({ status: "failed", error: expected });
    expect([pushes, bmc.device.version, bmc.device.counters.bytesReceived]).toEqual([[], "1.0.0", 0]);
    expect(bmc.service.sessions.size).toBe(0);
  };
  const body = (text: string) => ({ kind: "body", body: text }) as const;
  const scripted = (on: "root" | "service" | "inventory" | "member", text: string): Setting => ({
    before: (bmc) => bmc.script({ on, fault: body(text), times: 100 }),
  });

  it("an endpoint of another kind", async () => {
    const missing = { kind: "status", status: 404 } as const;
    await refused(
      { before: (bmc) => bmc.script({ on: "root", fault: missing, times: 100 }) },
      { code: "refused", message: expect.stringContaining("where every Redfish service begins") },
    );
    await refused(scripted("root", "<h1>It works!</h1>"), { code: "unreadable_state" });
  });

  it.for([
    ["root", "{}", "UpdateService of its service root is not there"],
    ["root", '{"UpdateService":{"@odata.id":"http://192.0.2.1/redfish/v1/UpdateService"}}', "another origin"],
    ["root", '{"UpdateService":{"@odata.id":"//192.0.2.1/redfish/v1/UpdateService"}}', "another origin"],
    ["root", '{"UpdateService":{"@odata.id":"UpdateService"}}', "no absolute path"],
    ["root", '{"UpdateService":{"@odata.id":"/redfish/v1/../../etc"}}', "no absolute path"],
    ["root", '{"UpdateService":{"@odata.id":7}}', "no absolute path"],
    ["service", "{]", "is not JSON"],
    ["inventory", '{"Members":[]}', "has no members"],
    ["inventory", '{"Members":[{"@odata.id":"http://192.0.2.1/"}]}', "another origin"],
    ["inventory", '{"Members":"none"}', "has no members"],
    ["inventory", '{"Members":[{"@odata.id":"/a"}],"Members@odata.nextLink":"http://192.0.2.1/"}', "another origin"],
  ] as const)("%s: %s", async ([on, text, says]) => {
    await refused(scripted(on, text), { code: "unreadable_state", message: expect.stringContaining(says) });
  });

  it("an inventory that goes round in a circle, and one with too many members", async () => {
    const next = "/redfish/v1/UpdateService/FirmwareInventory";
    const circle = `{"Members":[],"Members@odata.nextLink":"${next}"}`;
    await refused(scripted("inventory", circle), { message: expect.stringContaining("circle") });
    const others = Array.from({ length: 100 }, (_, at) => ({ id: `Part${at}`, version: "1" }));
    await refused({ device: { others } }, { message: expect.stringContaining("set options.inventory") });
  });

  it("several members that could be meant: it names them and sends nothing", async () => {
    const others = [{ id: "BIOS", version: "7", updateable: true }];
    const says = expect.stringContaining("BMC, BIOS");
    await refused({ device: { others } }, { code: "unreadable_state", message: says });
    await refused({ device: { others, style: "openbmc" } }, { code: "unreadable_state" });
    await refused({ device: { others }, options: { inventory: "Bmc" } }, { message: says });
    const { outcome } = await update({ device: { others }, options: { inventory: "BMC" } });
    expect(outcome.status).toBe("updated");
  });

  it("no push URI, or none of the kind that was asked for", async () => {
    const nothing = { code: "unsupported", bytesOut: "none", message: expect.stringContaining("no way to send") };
    await refused({ device: { push: "none" } }, nothing);
    await refused({ device: { push: "raw" }, options: { push: "multipart" } }, nothing);
  });

  it("a push URI on another origin", async () => {
    const foreign = JSON.stringify({
      HttpPushUri: "http://192.0.2.1/update",
      FirmwareInventory: { "@odata.id": "/redfish/v1/UpdateService/FirmwareInventory" },
    });
    await refused(scripted("service", foreign), {
      code: "unsupported",
      message: expect.stringContaining("another origin"),
    });
  });

  it("parameters that a raw push cannot carry", async () => {
    const device = { push: "raw" } as const;
    const raw = { code: "unsupported", message: expect.stringContaining("raw push URI alone") };
    await refused({ device, options: { applyTime: "OnReset" } }, raw);
    await refused({ device, options: { forceUpdate: true } }, raw);
    await refused({ device, options: { targets: "/redfish/v1/Managers/bmc" } }, raw);
  });

  it("a login that is refused, and none where one is needed", async () => {
    const wrong: Credentials = { username: "root", password: new Secret("guess") };
    for (const auth of ["session", "basic"] as const) {
      const setting = { device: { user }, options: { auth }, client: { credentials: async () => wrong } };
      await refused(setting, { code: "refused", reply: { status: 401 } });
    }
    const message = expect.stringContaining("This was its answer to the request for its update service.");
    await refused({ device: { user } }, { code: "refused", reply: { status: 401 }, message });
  });

  it("a password that would go over plain http, where nobody said that it may", async () => {
    const setting = { device: { user }, client: { credentials: async () => credentials } };
    await refused(setting, { code: "credentials_failed", message: expect.stringContaining("https") });
  });

  it("a login whose token cannot be used, or that is answered by somebody else", async () => {
    const options = { auth: "session" } as const;
    const client = { credentials: async () => credentials };
    await refused(
      {
        device: { user },
        options,
        client,
        before: (bmc) => bmc.script({ on: "session", fault: body("{}"), times: 9 }),
      },
      { code: "unreadable_state", message: expect.stringContaining("X-Auth-Token") },
    );
  });

  it("another device at the address", async () => {
    const uuid = "58893887-8974-2487-2389-841168418919";
    await refused({ device: { uuid }, options: { uuid: true } }, { code: "wrong_device" });
    await refused({ options: { uuid: true } }, { code: "unreadable_state", message: expect.stringContaining("UUID") });
  });

  it("a task monitor that answers garbage: the device is read", async () => {
    const { outcome } = await update({
      before: (bmc) => bmc.script({ on: "monitor", fault: body("<html>"), times: 100 }),
    });
    expect(outcome.status).toBe("updated");
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
