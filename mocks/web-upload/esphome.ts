import type { Dialect } from "../dialect.ts";
import { type DeviceServer, type DeviceServerOptions, startDeviceServer } from "../server.ts";
import { FileForm } from "./file-form.ts";
import { install, missing, plain } from "./kit.ts";

export interface EsphomeOptions extends DeviceServerOptions {
  /** The object id of the text sensor that tells the version. @default "firmware_version" */
  readonly sensor?: string;
}

/**
 * A fake of ESPHome's web server, made from its contract and not from its code: `POST /update` takes the first file of
 * a form, whatever the field is called, and answers 200 in any case; the body says how it ended. It restarts right
 * after the answer, where a real one waits 100 ms. Its web API tells a text sensor that the owner configured.
 */
export function startEsphome(options: EsphomeOptions = {}): Promise<DeviceServer> {
  const { sensor = "firmware_version" } = options;
  const sensorPath = `/text_sensor/${sensor}`;
  const dialect: Dialect = {
    endpointOf({ method, path }) {
      if (path === "/update" && method === "POST") return "update";
      return path === sensorPath && method === "GET" ? "version" : "other";
    },
    unwrap: (head) => new FileForm(head),
    answer(device, endpoint, { received, form }, effect) {
      if (endpoint === "version") {
        const { version } = device;
        return { reply: { status: 200, json: { id: `text_sensor-${sensor}`, value: version, state: version } } };
      }
      if (received === undefined) return missing;
      const objection = form?.problem ?? (form?.file === undefined ? "no file" : device.objection(received));
      if (objection !== undefined) return { ...plain(200, "Update Failed!"), outcome: "refused" };
      return install(device, received, effect, plain(200, "Update Successful!").reply);
    },
  };
  return startDeviceServer({ ...options, dialect });
}
