import type { Delivery } from "../../core/delivery.ts";
import { type UploadProfile, uploadFamily } from "./family.ts";

/**
 * Any other device that takes firmware as the file of a web form. Without a profile: field `file` of a form to
 * `POST /update`, and the version at `/version` of the JSON that `GET /version` answers.
 *
 * @throws `invalid_profile`
 * @example
 * webUpload({
 *   send: { path: "/api/firmware", form: { reboot: "1" }, query: { md5: "{md5}" }, checks: { "/status": "ok" } },
 *   inspect: { path: "/api/info", pointer: "/fw" },
 *   options: { field: "image", before: "GET /api/firmware/prepare", failure: "error" },
 * })
 */
export function webUpload(profile?: UploadProfile): Delivery {
  return uploadFamily(
    {
      kind: "web-upload",
      profile: { send: { path: "/update" }, inspect: { path: "/version", pointer: "/version" } },
      refusals: [401, 403, 404, 405, 413, 415, 429, 503],
    },
    profile,
  );
}
