import type { Dialect } from "../dialect.ts";
import type { RequestHead } from "../records.ts";
import type { Answer } from "../routes.ts";
import { type DeviceServer, type DeviceServerOptions, startDeviceServer } from "../server.ts";
import { FileForm } from "./file-form.ts";
import { basicHolds, install, missing, plain, target } from "./kit.ts";

export interface TasmotaOptions extends DeviceServerOptions {
  /** The web password; the user is always `admin`. @default none is asked for */
  readonly password?: string;
  /** An old release: it takes the login of `/cm` as a query alone. @default false */
  readonly loginInQueryOnly?: boolean;
}

const mac = "A8:03:2A:B1:23:45";

const page = (text: string): Answer =>
  plain(200, `<!DOCTYPE html><html><body><div><b>${text}</b></div></body></html>`, "text/html");

/**
 * A fake of Tasmota's web server, made from its contract and not from its code. `GET /up` makes ready for a firmware
 * and forgets the last failure; without it an upload fails, as one after another failure does. `POST /u2?fsz=<size>`
 * takes a file with a name and answers 200 and a page, in the device's own language, whatever came of it. It looks for
 * a login only once it has the whole upload, and so answers a late 401. `/cm?cmnd=Status 2` tells the version, `Status 0`
 * its MAC address as well.
 */
export function startTasmota(options: TasmotaOptions = {}): Promise<DeviceServer> {
  const { password, loginInQueryOnly = false } = options;
  let ready = false;
  const knows = ({ headers, path }: RequestHead): boolean => {
    if (password === undefined) return true;
    const { path: plainPath, query } = target(path);
    const isCommand = plainPath === "/cm";
    if (isCommand && query.get("user") === "admin" && query.get("password") === password) return true;
    return !(isCommand && loginInQueryOnly) && basicHolds(headers["authorization"], "admin", password);
  };
  const stranger: Answer = {
    reply: { status: 401, headers: { "www-authenticate": 'Basic realm="Login Required"' }, body: "" },
    outcome: "refused",
  };
  const dialect: Dialect = {
    endpointOf({ method, path: full }) {
      const { path, query } = target(full);
      if (path === "/u2" && method === "POST") return "update";
      return path === "/cm" && /^Status [02]$/.test(query.get("cmnd") ?? "") ? "version" : "other";
    },
    unwrap: (head) => new FileForm(head),
    answer(device, endpoint, { head, received, form }, effect) {
      const { path, query } = target(head.path);
      if (path === "/cm") {
        if (!knows(head))
          return { reply: { status: 401, json: { WARNING: "Need user=<username>&password=<password>" } } };
        if (endpoint !== "version") return { reply: { status: 200, json: { Command: "Unknown" } } };
        const { version: Version } = device;
        const firmware = { StatusFWR: { Version, BuildDateTime: "2026-01-02T03:04:05" } };
        const network = query.get("cmnd") === "Status 0" && { StatusNET: { Hostname: "tasmota-sim", Mac: mac } };
        return { reply: { status: 200, json: { ...firmware, ...network } } };
      }
      if (path === "/up" && head.method === "GET") {
        if (!knows(head)) return stranger;
        ready = true;
        return page("Firmware-Aktualisierung");
      }
      if (received === undefined) return missing;
      const fits =
        query.get("fsz") === String(received.bytes) && form?.file !== undefined && form.problem === undefined;
      const taken = ready && fits && device.objection(received) === undefined;
      ready = false;
      if (!knows(head)) return stranger;
      if (!taken) return { ...page("Upload fehlgeschlagen"), outcome: "refused" };
      return install(device, received, effect, page("Upload erfolgreich").reply);
    },
  };
  return startDeviceServer({ ...options, dialect });
}
