import type { Delivery } from "../../core/delivery.ts";
import { boundTo } from "../shared/exchange.ts";
import { createPlans, type SwupdateOptions } from "./options.ts";
import { SwupdateSession } from "./session.ts";

export type { SwupdateOptions } from "./options.ts";

/**
 * Speaks to SWUpdate's own web server: `POST /upload` as one file of a form, and the websocket `/ws`, on which the
 * device tells what became of it. The artifact is a `.swu` image, signed as the device asks for.
 *
 * The answer to an upload says only that it was received, so the websocket is opened first and its verdict waited for:
 * FAILURE is `device_error`, also where the answer was lost, with the device's own words in the error's
 * `reply.excerpt`. SUCCESS is no proof either: SWUpdate cannot be asked for its version, so a device that is to be
 * updated names a probe of another kind, such as `httpProbe`.
 *
 * An image is never sent while another update is seen under way (`device_busy`), and never twice without a read.
 *
 * @throws `invalid_profile`
 * @example createClient({ deliveries: [swupdate()], probers: [httpProbe({ inspect: { path: "/os-version", text: true } })] })
 */
export function swupdate(options?: SwupdateOptions): Delivery {
  const plans = createPlans(options);
  return Object.freeze<Delivery>({
    kind: "swupdate",
    bind(device, context) {
      const plan = plans(context.profile ?? device.profile);
      return new SwupdateSession(plan, boundTo(device, context, plan.auth));
    },
  });
}
