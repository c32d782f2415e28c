import type { Delivery, Prober } from "../../core/delivery.ts";
// tus has no way to tell a version. The plain HTTP probe is made to read devices for other deliveries.
import { httpProbe } from "../http/index.ts";
import { boundTo } from "../shared/exchange.ts";
import { createPlans, type TusOptions } from "./plan.ts";
import { TusSession } from "./session.ts";

export type { TusOptions } from "./plan.ts";
export type { TusSettings } from "./settings.ts";

/**
 * Speaks to devices that take firmware as a resumable upload, by tus 1.0.0 with its extensions creation,
 * creation-with-upload, checksum, expiration and termination. A send that broke goes on at the offset that the device
 * tells, also in another process: see `resume` and `onResumable` of a push.
 *
 * Without options: an upload is created at `/files`, with `filename`, `version`, `sha256` and `device` as its metadata;
 * the version is read as `httpProbe()` reads it, by the same profile's `inspect` and `health`.
 *
 * A complete upload means that the device has the bytes, never that it runs them: verify.
 *
 * @throws `invalid_profile`
 * @see https://tus.io/protocols/resumable-upload
 * @example tus({ send: { path: "/uploads" }, inspect: { path: "/api/info", pointer: "/fw" }, chunkBytes: 8 * 1_048_576 })
 */
export function tus(options?: TusOptions): Delivery {
  const plans = createPlans(options);
  return Object.freeze<Delivery>({
    kind: "tus",
    prober: proberOf(options),
    bind(device, context) {
      const plan = plans(context.profile ?? device.profile);
      return new TusSession(plan, boundTo(device, context, plan.settings.auth));
    },
  });
}

/** Under this delivery's own name: a client may have the plain HTTP delivery beside it, which brings its own. */
function proberOf({ inspect, health, auth }: TusOptions = {}): Prober {
  const reader = httpProbe({
    ...(inspect !== undefined && { inspect }),
    ...(health !== undefined && { health }),
    ...(auth !== undefined && { auth }),
  });
  return Object.freeze<Prober>({ kind: "tus", bind: (device, context) => reader.bind(device, context) });
}
