import type { Dialect } from "../dialect.ts";
import { type DeviceServer, type DeviceServerOptions, startDeviceServer } from "../server.ts";
import { FileForm } from "./file-form.ts";
import { install, missing, plain, target } from "./kit.ts";

/**
 * A fake of a sketch with ElegantOTA, made from its contract and not from its code. `GET /ota/start?mode=fr&hash=<md5>`
 * begins, `POST /ota/upload` brings the file, and its MD5 must be the one that was told. The version and the id at
 * `/version` are the sketch's own: the library tells none.
 */
export function startElegantOta(options: DeviceServerOptions = {}): Promise<DeviceServer> {
  let announced: string | undefined;
  const dialect: Dialect = {
    endpointOf({ method, path }) {
      if (path === "/ota/upload" && method === "POST") return "update";
      return path === "/version" ? "version" : "other";
    },
    unwrap: (head) => new FileForm(head),
    answer(device, endpoint, { head, received, form }, effect) {
      if (endpoint === "version") return { reply: { status: 200, json: { version: device.version, id: device.id } } };
      const { path, query } = target(head.path);
      if (path === "/ota/start" && head.method === "GET") {
        const hash = query.get("hash");
        if (query.get("mode") !== "fr" || hash === null || !/^[\da-f]{32}$/.test(hash))
          return plain(400, "Invalid MD5");
        announced = hash;
        return plain(200, "OK");
      }
      if (received === undefined) return missing;
      const whole = form?.problem === undefined && form?.file !== undefined && form.md5 === announced;
      announced = undefined;
      if (!whole || device.objection(received) !== undefined)
        return { ...plain(400, "MD5 Check Failed"), outcome: "refused" };
      return install(device, received, effect, plain(200, "OK").reply);
    },
  };
  return startDeviceServer({ ...options, dialect });
}
