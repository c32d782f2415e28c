import type { SimulatedDevice } from "../device.ts";
import type { Dialect } from "../dialect.ts";
import type { Answer } from "../routes.ts";
import { type DeviceServer, type DeviceServerOptions, startDeviceServer } from "../server.ts";
import { DigestLogin } from "../web-upload/digest-login.ts";
import { basicHolds, plain, target } from "../web-upload/kit.ts";
import type { Pull, PullFault } from "./pull.ts";
import { Updater } from "./updater.ts";

export type { Pull, PullFault, PullRequest } from "./pull.ts";

export interface ShellyDeviceOptions extends DeviceServerOptions {
  /** The password of `admin`. @default none is asked for */
  readonly password?: string;
  /** PEM of the authorities that the server of an https URL is checked against. */
  readonly ca?: string;
}

/** A simulated Shelly. Orders to update are its endpoint `activate`; what it fetches, it counts as `update`. */
export interface Shelly extends DeviceServer {
  /** Every fetch that has ended, oldest first. */
  readonly pulls: readonly Pull[];
  /** Plays these on the next fetches, one each. */
  scriptPull(...faults: readonly PullFault[]): void;
}

const json = (value: unknown, status = 200): Answer => plain(status, JSON.stringify(value), "application/json");
const noHandler = (path: string): Answer => json({ code: 404, message: `No handler for ${path}` }, 404);

/** The id that a device makes of its own MAC address. */
const mac = "A8032AB12345";

/**
 * A fake of a Shelly of the second generation, made from its published API and not from its code: `Shelly.GetDeviceInfo`
 * needs no login, `Shelly.Update` takes `{"url": …}`, answers `null` at once and fetches then. Errors are `code` and
 * `message` with status 500, as for a second order while one is followed. The login is Digest with SHA-256, for `admin`.
 */
export function startShellyGen2(options: ShellyDeviceOptions = {}): Promise<Shelly> {
  const { password, ca } = options;
  const id = `shellysim-${mac.toLowerCase()}`;
  const login = password === undefined ? undefined : new DigestLogin(id, "admin", password, "SHA-256");
  const updater = new Updater(ca);
  const dialect: Dialect = {
    endpointOf({ path: full }) {
      const { path } = target(full);
      if (path === "/rpc/Shelly.Update") return "activate";
      return path === "/rpc/Shelly.GetDeviceInfo" ? "version" : "other";
    },
    answer(device, endpoint, { head, body }, effect) {
      if (endpoint === "version") return json(deviceInfo(device, id, login !== undefined));
      if (endpoint !== "activate") return noHandler(head.path);
      if (login !== undefined && !login.holds(head)) {
        return { reply: { status: 401, headers: { "www-authenticate": login.challenge() }, body: "" } };
      }
      const url = urlIn(body);
      if (url === undefined) return json({ code: -103, message: "Invalid argument 'url'!" }, 500);
      if (updater.updating) return json({ code: -114, message: "Resource unavailable: Update in progress!" }, 500);
      return { ...json(null), after: () => updater.begin(device, url, effect) };
    },
  };
  return start(options, dialect, updater);
}

function deviceInfo(device: SimulatedDevice, id: string, locked: boolean): object {
  const { version } = device;
  const { hardware = "SNSW-001X16EU", name = null } = device.options;
  return {
    ...{ name, id, mac, slot: device.slot === "A" ? 0 : 1, model: hardware, gen: 2 },
    ...{ fw_id: `20260102-030405/${version}-g1234567`, ver: version, app: "Sim" },
    ...{ auth_en: locked, auth_domain: locked ? id : null },
  };
}

function urlIn(body: string): string | undefined {
  try {
    const { url } = JSON.parse(body);
    return typeof url === "string" && /^https?:\/\//.test(url) ? url : undefined;
  } catch {
    return undefined;
  }
}

/**
 * A fake of a Shelly of the first generation, likewise: `GET /ota?url=…` answers `{"status":"updating",…}` and fetches
 * then, `/ota` tells how far it is, `/shelly` needs no login and tells `fw`. A second order meanwhile is answered as if
 * it were followed. The login is Basic, for `admin`.
 */
export function startShellyGen1(options: ShellyDeviceOptions = {}): Promise<Shelly> {
  const { password, ca } = options;
  const updater = new Updater(ca);
  const dialect: Dialect = {
    endpointOf({ path: full }) {
      const { path, query } = target(full);
      if (path === "/ota" && query.has("url")) return "activate";
      return path === "/shelly" ? "version" : "other";
    },
    answer(device, endpoint, { head }, effect) {
      const { path, query } = target(head.path);
      const fw = `20260102-030405/v${device.version}-g1234567`;
      if (endpoint === "version") {
        const { hardware: type = "SHSW-25" } = device.options;
        return json({ type, mac, auth: password !== undefined, fw, longid: 1, num_outputs: 2 });
      }
      if (path !== "/ota") return plain(404, "Not Found");
      if (password !== undefined && !basicHolds(head.headers["authorization"], "admin", password)) {
        const headers = { "www-authenticate": `Basic realm="shellysim-${mac}"` };
        return { reply: { status: 401, headers, body: "401 Unauthorized" } };
      }
      const url = query.get("url");
      const status = url !== null || updater.updating ? "updating" : "idle";
      const answer = json({ status, has_update: false, new_version: fw, old_version: fw });
      return url === null ? answer : { ...answer, after: () => updater.begin(device, url, effect) };
    },
  };
  return start(options, dialect, updater);
}

async function start(options: ShellyDeviceOptions, dialect: Dialect, updater: Updater): Promise<Shelly> {
  const server = await startDeviceServer({ ...options, dialect });
  const { close: closeServer } = server;
  const close = async () => {
    await updater.close();
    await closeServer();
  };
  return Object.defineProperties(server, {
    pulls: { value: updater.pulls },
    scriptPull: { value: (...faults: readonly PullFault[]) => updater.script(...faults) },
    close: { value: close },
    [Symbol.asyncDispose]: { value: close },
  }) as Shelly;
}
