import type { Delivery } from "../../core/delivery.ts";
import { type UploadProfile, uploadFamily } from "./family.ts";

/**
 * ElegantOTA (ESP32, ESP8266, RP2040): `GET /ota/start` tells the MD5 that the file of `POST /ota/upload` must have. The
 * library tells no version: name a route of the sketch in the profile's `inspect`.
 *
 * @throws `invalid_profile`
 */
export function elegantOta(profile?: UploadProfile): Delivery {
  return uploadFamily(
    {
      kind: "elegant-ota",
      profile: {
        send: { path: "/ota/upload" },
        options: { before: "GET /ota/start?mode=fr&hash={md5}", challenge: "GET /update" },
      },
      refusals: [401, 404, 405],
    },
    profile,
  );
}
