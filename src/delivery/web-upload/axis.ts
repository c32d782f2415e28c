import type { Delivery } from "../../core/delivery.ts";
import { type Statuses, type UploadProfile, uploadFamily } from "./family.ts";

const path = "/axis-cgi/firmwaremanagement.cgi";
const order = (method: string) => JSON.stringify({ apiVersion: "1.0", method });
const upgrade = {
  apiVersion: "1.0",
  method: "upgrade",
  params: { factoryDefaultMode: "none", autoCommit: "never", autoRollback: "{trialMinutes}" },
};

/** All of them come before anything is installed. */
const statuses: Statuses = {
  404: {
    code: "refused",
    says: "because it has no earlier version to go back to, or no firmware management at this path",
  },
  409: {
    code: "refused",
    says: "because this would be a downgrade, which takes a factory default; send it a later version",
  },
  412: {
    code: "refused",
    says: "because an earlier upgrade is still on trial; commit it or roll it back on the device, then send again",
  },
  415: { code: "refused", says: "because this is no firmware image; check the artifact" },
  421: { code: "refused", says: "because this image is for another product; check the device's model" },
  422: { code: "refused", says: "because the image's signature is missing or wrong; get it from the maker again" },
  423: { code: "device_busy", retryable: true, says: "because it is busy; leave it alone for a while" },
};

/**
 * Axis devices (VAPIX firmware management, 1.0): one form with JSON and a file. The device tries the new version for
 * `options.trial` seconds, rounded up to minutes; `commit` keeps it, `rollback` takes version and settings back. What
 * it runs is `activeFirmwareVersion` of `status`.
 *
 * @throws `invalid_profile`
 */
export function axis(profile?: UploadProfile): Delivery {
  return uploadFamily(
    {
      kind: "axis",
      profile: {
        send: { path, json: JSON.stringify(upgrade) },
        inspect: { method: "POST", path, json: order("status"), pointer: "/data/activeFirmwareVersion" },
        commit: { path, json: order("commit") },
        rollback: { path, json: order("rollback") },
        options: { errorCode: "/error/code", challenge: `POST ${path}` },
      },
      refusals: [401, 403, 404, 405, 409, 412, 415, 421, 422, 423],
      statuses,
    },
    profile,
  );
}
