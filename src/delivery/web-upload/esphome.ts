import type { Delivery } from "../../core/delivery.ts";
import { type UploadProfile, uploadFamily } from "./family.ts";

/**
 * ESPHome (`ota: platform: web_server`): `POST /update` takes the first file of a form and always answers 200; the body
 * says whether it was written. The device restarts 100 ms later, so the answer may be lost with it: then it is read,
 * never sent to again.
 *
 * The version is read from a text sensor of the web API (`web_server:`). ESPHome has none of the firmware's own version
 * unless its owner makes one: a `text_sensor` of platform `template`, called "Firmware version".
 *
 * @throws `invalid_profile`
 */
export function esphome(profile?: UploadProfile): Delivery {
  return uploadFamily(
    {
      kind: "esphome",
      profile: {
        send: { path: "/update" },
        inspect: { path: "/text_sensor/firmware_version", pointer: "/value" },
        options: { field: "update", success: "Update Successful!", failure: "Update Failed!", challenge: "GET /" },
      },
      // It looks at login and path before it begins to write.
      refusals: [401, 404, 405],
    },
    profile,
  );
}
