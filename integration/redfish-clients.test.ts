import { execFile } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import {
  makeFirmware,
  type RedfishDevice,
  type RedfishDeviceOptions,
  sha256,
  startRedfishDevice,
} from "../mocks/index.ts";
import { describePeer } from "./peers/peer.ts";

/* The simulated Redfish service, judged by clients that others wrote. What they accept is no echo of our own beliefs. */

const user = { name: "root", password: "0penBmc" };
const run = promisify(execFile);

const service = (options: RedfishDeviceOptions = {}): Promise<RedfishDevice> =>
  startRedfishDevice({ user, version: "1.2.3", uuid: "58893887-8974-2487-2389-841168418919", ...options });

/** Serves an image to a device that pulls; the URL, and how often it was asked for. */
async function imageServer(): Promise<AsyncDisposable & { readonly url: string; readonly asked: () => number }> {
  const image = makeFirmware({ version: "2.0.0", length: 100_000 });
  let asked = 0;
  const server = createServer((_request, response) => {
    asked++;
    response.end(image);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/fw.bin`,
    asked: () => asked,
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, "close");
    },
  };
}

/** Debian's python has Debian's packages; another one first on the path has not. */
const debianPython = "/usr/bin/python3";
const sushyInstalled = existsSync("/usr/lib/python3/dist-packages/sushy");

async function sushy(url: string, script: string): Promise<Record<string, unknown>> {
  const before = `
import json, sys, logging
import sushy
from sushy import auth
logging.disable(logging.CRITICAL)
url, name, password = sys.argv[1:]
`;
  const { stdout } = await run(debianPython, ["-c", `${before}${script}`, url, user.name, user.password]);
  return JSON.parse(stdout) as Record<string, unknown>;
}

describePeer("sushy", [sushyInstalled ? "python3" : "python3-sushy"], () => {
  it("logs in by a session, reads what there is, and logs out", async () => {
    await using bmc = await service();
    const seen = await sushy(
      bmc.url,
      `
login = auth.SessionAuth(username=name, password=password)
root = sushy.Sushy(url, auth=login)
update = root.get_update_service()
items = update.firmware_inventory.get_members()
print(json.dumps({
  "redfish": root.redfish_version, "uuid": root.uuid,
  "enabled": update.service_enabled, "push": update.http_push_uri,
  "protocols": sorted(str(p.value) for p in update.get_allowed_transfer_protocols()),
  "inventory": {i.identity: [i.version, i.updateable, i.status.health.value] for i in items},
  "managers": [m.firmware_version for m in root.get_manager_collection().get_members()],
  "systems": [s.identity for s in root.get_system_collection().get_members()],
  "sessions": len(root.get_session_service().sessions.get_members()),
}))
login.close()
`,
    );
    expect(seen).toMatchObject({
      redfish: "1.15.0",
      uuid: "58893887-8974-2487-2389-841168418919",
      enabled: true,
      push: "/redfish/v1/UpdateService/update",
      inventory: { BMC: ["1.2.3", true, "OK"], Bootloader: ["0.9", false, "OK"] },
      managers: ["1.2.3"],
      systems: ["system"],
      sessions: 1,
    });
    expect(bmc.service.sessions.size).toBe(0);
  });

  it("speaks Basic, and is refused with another password", async () => {
    await using bmc = await service();
    const script = (password: string) => `
try:
  root = sushy.Sushy(url, auth=auth.BasicAuth(username=name, password=${password}))
  print(json.dumps({"version": root.get_update_service().firmware_inventory.get_members()[0].version}))
except sushy.exceptions.AccessError as error:
  print(json.dumps({"refused": error.status_code}))
`;
    expect(await sushy(bmc.url, script("password"))).toEqual({ version: "1.2.3" });
    expect(await sushy(bmc.url, script("'wrong'"))).toEqual({ refused: 401 });
  });

  it.for(["dmtf", "openbmc"] as const)("starts a SimpleUpdate and follows its task, %s", async (style) => {
    await using images = await imageServer();
    await using bmc = await service({ style, taskMs: 300, retryAfter: 1, applyTime: "OnReset" });
    const seen = await sushy(
      bmc.url,
      `
root = sushy.Sushy(url, auth=auth.BasicAuth(username=name, password=password))
update = root.get_update_service()
monitor = update.simple_update("${images.url}", targets=["/redfish/v1/Managers/bmc"], transfer_protocol="HTTP")
first = [monitor.is_processing, monitor.task.task_state.value if monitor.task else None, monitor.sleep_for]
tasks = root.get_task_service().tasks.get_members()
before = [[t.identity, t.task_state.value] for t in tasks]
import time
for _ in range(100):
  task = root.get_task_service().tasks.get_members()[0]
  if task.task_state.value != "Running": break
  time.sleep(0.05)
print(json.dumps({"first": first, "before": before, "after": [task.task_state.value, task.task_status.value]}))
`,
    );
    expect([images.asked(), bmc.device.staged]).toEqual([1, true]);
    expect(seen).toEqual({ first: [true, "Running", "1"], before: [["0", "Running"]], after: ["Completed", "OK"] });
  });
});

describePeer("curl", ["curl"], ({ curl }) => {
  const image = makeFirmware({ version: "2.0.0", length: 100_000 });
  const pushed = async (path: string, ...args: readonly string[]) => {
    await using files = await mkdtempDisposable(join(tmpdir(), "flashwave-curl-"));
    const file = join(files.path, "fw.bin");
    await writeFile(file, image);
    await using bmc = await service();
    const login = ["-sS", "-u", `${user.name}:${user.password}`, "-H", "Expect:"];
    const told = ["-o", "/dev/null", "-w", "%{http_code} %header{location}"];
    const given = args.map((word) => word.replace("@image", `@${file}`));
    const { stdout } = await run(curl, [...login, ...told, ...given, `${bmc.url}${path}`]);
    const [received] = bmc.device.received;
    return { stdout, parameters: bmc.service.parameters, sha256: received?.sha256, staged: bmc.device.staged };
  };
  const accepted = { stdout: "202 /redfish/v1/TaskService/TaskMonitors/0", sha256: sha256(image) };

  it("pushes by multipart, as DSP0266 has it", async () => {
    const said = '{"Targets":["/redfish/v1/Managers/bmc"],"@Redfish.OperationApplyTime":"OnReset"}';
    const form = ["-F", `UpdateParameters=${said};type=application/json`];
    const file = ["-F", "UpdateFile=@image;type=application/octet-stream"];
    const parameters = [{ targets: ["/redfish/v1/Managers/bmc"], applyTime: "OnReset" }];
    const path = "/redfish/v1/UpdateService/update-multipart";
    expect(await pushed(path, ...form, ...file)).toEqual({ ...accepted, parameters, staged: true });
    // The file before its parameters is no form of an update.
    expect(await pushed(path, ...file, ...form)).toMatchObject({ stdout: "500 ", parameters: [] });
  });

  it("pushes the image as it is", async () => {
    const raw = ["-H", "content-type: application/octet-stream", "--data-binary", "@image"];
    expect(await pushed("/redfish/v1/UpdateService/update", ...raw)).toMatchObject(accepted);
  });
});

describePeer("redfishtool", ["redfishtool"], ({ redfishtool }) => {
  const tool = async (bmc: RedfishDevice, ...given: string[]): Promise<Record<string, unknown>> => {
    const host = bmc.url.slice("http://".length);
    const login = ["-r", host, "-u", user.name, "-p", user.password, "-S", "Never", "-n"];
    const { stdout } = await run(redfishtool, [...login, ...given]);
    return stdout.trim() === "" ? {} : (JSON.parse(stdout) as Record<string, unknown>);
  };

  describe.each(["Basic", "Session"])("by %s", (authentication) => {
    it("reads the root, the update service, its inventory and the manager", async () => {
      await using bmc = await service();
      const get = (path: string) => tool(bmc, "-A", authentication, "raw", "GET", path);
      expect(await tool(bmc, "-A", authentication, "root")).toMatchObject({ RedfishVersion: "1.15.0" });
      expect(await get("/redfish/v1/UpdateService")).toMatchObject({
        MultipartHttpPushUri: "/redfish/v1/UpdateService/update-multipart",
      });
      const inventory = "/redfish/v1/UpdateService/FirmwareInventory";
      expect(await get(inventory)).toMatchObject({ "Members@odata.count": 2 });
      expect(await get(`${inventory}/BMC`)).toMatchObject({ Version: "1.2.3", Status: { Health: "OK" } });
      const managers = await tool(bmc, "-A", authentication, "Managers", "-F", "get");
      expect(managers).toMatchObject({ FirmwareVersion: "1.2.3", ManagerType: "BMC" });
      // A session for each call, and none left of them.
      expect(bmc.service.sessions.size).toBe(0);
    });
  });

  it("starts a SimpleUpdate and reads its task", async () => {
    await using images = await imageServer();
    await using bmc = await service({ style: "openbmc", ending: "never" });
    const body = JSON.stringify({ ImageURI: images.url, TransferProtocol: "HTTP" });
    const path = "/redfish/v1/UpdateService/Actions/UpdateService.SimpleUpdate";
    // Not to wait is the client's own choice: the task never ends.
    await tool(bmc, "-N", "raw", "POST", path, "-d", body);
    expect(await tool(bmc, "raw", "GET", "/redfish/v1/TaskService/Tasks/0")).toMatchObject({ TaskState: "Running" });
  });

  it("resets the manager", async () => {
    await using bmc = await service();
    await tool(bmc, "Managers", "-F", "reset", "GracefulRestart");
    expect(bmc.service.resets).toEqual(["/redfish/v1/Managers/bmc GracefulRestart"]);
  });
});
