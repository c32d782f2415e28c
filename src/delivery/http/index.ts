import type { Delivery, Prober } from "../../core/delivery.ts";
import { FlashwaveError } from "../../core/errors.ts";
import { boundTo } from "../shared/exchange.ts";
import type { PlanOf } from "../shared/plans.ts";
import type { HttpOptions } from "./options.ts";
import { createPlans, type ReadPlan } from "./plan.ts";
import { HttpProbe } from "./probe.ts";
import { HttpSession } from "./session.ts";

export type { HttpOptions } from "./options.ts";

/**
 * Speaks to devices that take firmware as the body of one request and tell their version by another.
 *
 * Without options: `POST /update` with the artifact as `application/octet-stream`, the version as text at `/version` of
 * the JSON that `GET /version` answers (and `/bootId`, `/slot`, `/uptime` where they are there), and `GET /health`.
 * A device's profile changes any of it; its `options` are the settings of `HttpOptions`. It sends the whole artifact every time: there is no resume.
 *
 * A 2xx to a wholly sent body means that the device has the bytes, never that it runs them: verify.
 *
 * @throws `invalid_profile`
 * @example http({ send: { method: "PUT", path: "/firmware" }, inspect: { pointer: "/fw/version" }, health: false })
 */
export function http(options?: HttpOptions): Delivery {
  const { sending, reading } = createPlans(options);
  return Object.freeze<Delivery>({
    kind: "http",
    prober: prober(reading),
    bind(device, context) {
      const plan = sending(context.profile ?? device.profile);
      return new HttpSession(plan, boundTo(device, context, plan.along.auth));
    },
  });
}

/**
 * Reads devices over plain HTTP, whatever delivery sends to them: for protocols that have no version route of their own.
 * Takes the same options as `http()`; those about sending change nothing.
 *
 * @throws `invalid_profile`
 */
export function httpProbe(options?: HttpOptions): Prober {
  return prober(createPlans(options).reading);
}

function prober(reading: PlanOf<ReadPlan>): Prober {
  return Object.freeze<Prober>({
    kind: "http",
    bind(device, context) {
      const { inspect, health, auth } = reading(context.profile ?? device.profile);
      if (inspect !== undefined) return new HttpProbe(inspect, health, boundTo(device, context, auth));
      throw new FlashwaveError(
        "no_probe",
        "The profile says `inspect: false`; name another probe for this device to verify it.",
        {
          phase: "prepare",
          device: device.id,
        },
      );
    },
  });
}
