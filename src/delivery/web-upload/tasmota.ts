import type { Delivery } from "../../core/delivery.ts";
import { type UploadProfile, uploadFamily } from "./family.ts";

/**
 * Tasmota: `GET /up` makes the device ready for a firmware and clears the last failure, then `POST /u2?fsz=<size>`. The
 * page that it answers is in the device's own language and is not read: what it then runs, it tells at
 * `/cm?cmnd=Status 2`. An artifact's version is written as the device writes it, `14.2.0(tasmota)`: the same release of
 * another variant is another firmware.
 *
 * @throws `invalid_profile`
 */
export function tasmota(profile?: UploadProfile): Delivery {
  return uploadFamily(
    {
      kind: "tasmota",
      profile: {
        send: { path: "/u2", query: { fsz: "{size}" } },
        inspect: { path: "/cm", query: { cmnd: "Status 2" }, pointer: "/StatusFWR/Version" },
        // The only login it knows, and it does not always ask for it.
        options: { field: "u2", before: "GET /up", auth: "basic" },
      },
      // It asks for a login only once it has written what it was sent: a 401 to an upload refuses nothing.
      refusals: [404, 405],
    },
    profile,
  );
}
