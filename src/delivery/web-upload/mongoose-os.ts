import type { Delivery } from "../../core/delivery.ts";
import { type UploadProfile, uploadFamily } from "./family.ts";

/**
 * Mongoose OS (library `ota-http-server`): `POST /update` takes a form with `commit_timeout` (`options.trial`, seconds)
 * and a file. The new version is on trial for so long; `/update/commit` keeps it and `/update/revert` takes it back. The
 * version is read from `/rpc/Sys.GetInfo`. A commit is answered 400 where it failed and where nothing is on trial alike;
 * which it was, `/rpc/OTA.GetBootState` tells (library `rpc-service-ota`).
 *
 * Nothing else is ever sent to `/update`: without a form it would begin an update from the URL in its own settings.
 *
 * @throws `invalid_profile`
 */
export function mongooseOs(profile?: UploadProfile): Delivery {
  return uploadFamily(
    {
      kind: "mongoose-os",
      profile: {
        send: { path: "/update", form: { commit_timeout: "{trial}" } },
        inspect: { path: "/rpc/Sys.GetInfo", pointer: "/fw_version", also: { uptime: "/uptime" } },
        commit: { method: "GET", path: "/update/commit" },
        rollback: { method: "GET", path: "/update/revert" },
        options: { challenge: "GET /rpc/Sys.GetInfo", committed: "/rpc/OTA.GetBootState#/is_committed" },
      },
      refusals: [401, 403, 404, 405, 409],
      statuses: {
        409: {
          code: "device_busy",
          retryable: true,
          says: "because another update is under way; leave it alone for a while",
        },
      },
    },
    profile,
  );
}
