import { describe, expect, it } from "vitest";
import { type Credentials, Secret } from "../src/index.ts";
import { credentials, type Setting, update, user } from "./redfish-kit.ts";

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
