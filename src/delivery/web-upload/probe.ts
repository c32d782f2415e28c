import type { DeliveryContext, Probe, Prober, Step } from "../../core/delivery.ts";
import type { Device } from "../../core/device.ts";
import type { DeviceState } from "../../core/outcome.ts";
import type { Profile } from "../../core/profile.ts";
import { type HttpOptions, httpProbe } from "../http/index.ts";
import { overlay } from "../shared/overlay.ts";
import type { Family } from "./family.ts";
import type { UploadPlanOf } from "./plan.ts";

/**
 * Reads the version as generic HTTP does, by the `inspect` and `health` of the family, of the options and of the
 * device's profile. Without an `inspect` there is nothing to read.
 * @throws `invalid_profile`
 */
export function uploadProber(family: Family, options: Profile = {}, plans: UploadPlanOf): Prober {
  const { inspect, health } = overlay(overlay({ inspect: false, health: false }, family.profile), options);
  const { auth } = plans(undefined).settings;
  const reading = { inspect, health, auth } as HttpOptions;
  const http = httpProbe(reading);
  return Object.freeze<Prober>({
    kind: family.kind,
    bind(device, context) {
      const probe = http.bind(device, context);
      const own = context.profile ?? device.profile;
      return plans(own).settings.loginInQuery ? new QueryLogin(probe, { http, reading, device, context, own }) : probe;
    },
  });
}

interface Reading {
  readonly http: Prober;
  readonly reading: HttpOptions;
  readonly device: Device;
  readonly context: DeliveryContext;
  readonly own: Profile | undefined;
}

/** A probe that shows name and password in the query of its one request, and nowhere else. */
class QueryLogin implements Probe {
  readonly proves: Probe["proves"];
  readonly #reading: Reading;
  #probe: Promise<Probe> | undefined;

  constructor({ proves }: Probe, reading: Reading) {
    this.proves = proves;
    this.#reading = reading;
  }

  async inspect(step: Step): Promise<DeviceState> {
    this.#probe ??= this.#bind();
    return (await this.#probe).inspect(step);
  }

  async #bind(): Promise<Probe> {
    const { http, reading, device, context, own } = this.#reading;
    const credentials = await context.credentials?.();
    const { query, port } = { ...(reading.inspect || {}), ...(own?.inspect || {}) };
    // At another port is another origin, and the login is not for that.
    if (credentials?.password === undefined || port !== undefined) return http.bind(device, context);
    const login = { ...query, user: credentials.username, password: credentials.password.reveal() };
    const profile: Profile = { ...own, inspect: { ...own?.inspect, query: login } };
    const { transport, origin, clock } = context;
    return http.bind(device, { transport, origin, clock, profile });
  }
}
