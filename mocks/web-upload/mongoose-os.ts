import type { SimulatedDevice } from "../device.ts";
import type { Dialect } from "../dialect.ts";
import type { Answer } from "../routes.ts";
import { type DeviceServer, type DeviceServerOptions, startDeviceServer } from "../server.ts";
import { FileForm } from "./file-form.ts";
import { healthOf, install, missing, plain } from "./kit.ts";

export interface MongooseOsOptions extends DeviceServerOptions {
  /** Whether it has the library that tells of its slots. @default true */
  readonly bootState?: boolean;
}

/**
 * A fake of Mongoose OS's update over HTTP, made from its contract and not from its code. `POST /update` takes a file
 * with a name, and before or after it `commit_timeout` in seconds: the new image is then on trial for so long, and is
 * taken back unless `/update/commit` comes. `/update/commit` and `/update/revert` answer 400 where nothing is on trial.
 * A second update while one runs is answered 409; an image it does not like, 400. `/rpc/Sys.GetInfo` tells the version,
 * `/rpc/OTA.GetBootState` whether it is committed, unless the device is built without that (`bootState: false`);
 * `/health` is a route of the owner's own.
 */
export function startMongooseOs(options: MongooseOsOptions = {}): Promise<DeviceServer> {
  const { bootState = true } = options;
  const dialect: Dialect = {
    endpointOf({ method, path }) {
      if (path === "/update" && method === "POST") return "update";
      if (path === "/update/commit") return "commit";
      if (path === "/update/revert") return "rollback";
      if (path === "/health") return "health";
      return path === "/rpc/Sys.GetInfo" ? "version" : "other";
    },
    unwrap: (head) => new FileForm(head),
    answer(device, endpoint, { head, received, form }, effect) {
      if (bootState && head.path === "/rpc/OTA.GetBootState") return slots(device);
      if (endpoint === "version") return info(device);
      if (endpoint === "health") return healthOf(device);
      if (endpoint === "commit") return done(!effect.effect || device.commit());
      if (endpoint === "rollback") {
        if (!device.onTrial) return done(false);
        return { ...done(true), after: () => effect.effect && device.rollback() };
      }
      if (received === undefined) return missing;
      if (form?.problem !== undefined || form?.file === undefined) return refused("Update aborted");
      const objection = device.objection(received);
      if (objection !== undefined) return refused(`Invalid image: ${objection}`);
      const seconds = Number.parseInt(form.fields["commit_timeout"] ?? "0", 10);
      const how = seconds > 0 ? { trial: true, fallBackAfter: seconds * 1_000 } : { trial: false };
      return install(device, received, effect, plain(200, "Update applied, finalizing\r\n").reply, how);
    },
  };
  return startDeviceServer({ ...options, dialect });
}

function info({ id, version, uptime }: SimulatedDevice): Answer {
  const json = { id, app: "simulated", fw_version: version, fw_id: "20260102-030405", arch: "esp32" };
  return { reply: { status: 200, json: { ...json, uptime: Math.floor(uptime) } } };
}

function slots({ onTrial, trialLeft = 0 }: SimulatedDevice): Answer {
  const json = {
    active_slot: 0,
    is_committed: !onTrial,
    revert_slot: 1,
    commit_timeout: Math.round(trialLeft / 1_000),
  };
  return { reply: { status: 200, json } };
}

const done = (ok: boolean): Answer => plain(ok ? 200 : 400, ok ? "Ok\r\n" : "Error\r\n", "text/html");
const refused = (words: string): Answer => ({ ...plain(400, `${words}\r\n`), outcome: "refused" });
