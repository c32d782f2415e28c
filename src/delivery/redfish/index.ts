import type { Delivery, Prober } from "../../core/delivery.ts";
import { FlashwaveError } from "../../core/errors.ts";
import type { PlanOf } from "../shared/plans.ts";
import { RedfishProbe } from "./probe.ts";
import { RedfishSession } from "./session.ts";
import { createPlans, type Plan, type RedfishOptions } from "./settings.ts";

export type { RedfishOptions, Settings } from "./settings.ts";

/**
 * Speaks to the management controllers of servers, as DMTF Redfish has it (DSP0266, DSP2062): everything is found from
 * `/redfish/v1/`, an image goes to the push URI that the update service names, its task tells how it ended, and the
 * firmware inventory what runs.
 *
 * Names and passwords come from the client's `credentials`. Without options the service decides what the image is for
 * and when it is installed. It proves versions, never digests.
 *
 * @throws `invalid_profile`
 * @example redfish({ applyTime: "OnReset", reset: "manager", inventory: "BMC" })
 */
export function redfish(options?: RedfishOptions): Delivery {
  const { sending, reading } = createPlans(options);
  return Object.freeze<Delivery>({
    kind: "redfish",
    prober: prober(reading),
    bind: (device, context) => new RedfishSession({ device, context }, sending(context.profile ?? device.profile)),
  });
}

function prober(reading: PlanOf<Plan>): Prober {
  return Object.freeze<Prober>({
    kind: "redfish",
    bind(device, context) {
      const plan = reading(context.profile ?? device.profile);
      if (plan.inspect) return new RedfishProbe({ device, context }, plan);
      const message = "The profile says `inspect: false`; name another probe for this device to verify it.";
      throw new FlashwaveError("no_probe", message, { phase: "prepare", device: device.id });
    },
  });
}
