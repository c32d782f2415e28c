import type { Delivery, DeliverySession, DeliveryTraits, Prober, SendStep, Step } from "../../core/delivery.ts";
import type { Acknowledgement } from "../../core/outcome.ts";
import type { Payload } from "../../core/payload.ts";
import type { Profile } from "../../core/profile.ts";
import type { Publisher } from "../../core/publication.ts";
import type { ExchangeReply } from "../../core/transport.ts";
import { type HttpOptions, httpProbe } from "../http/index.ts";
import { announce, type Ordered } from "../shared/announce.ts";
import { type Bound, boundTo, exchange, requireYes } from "../shared/exchange.ts";
import { overlay, type RawProfile } from "../shared/overlay.ts";
import { compileRequest, type RequestPlan, withDefaults } from "../shared/request-plan.ts";
import { checkPublisher, resolveSettings, type ShellyOptions, type ShellySettings } from "./options.ts";

/** One generation of devices, as data. */
export interface Generation {
  readonly kind: string;
  readonly profile: RawProfile;
  readonly settings: ShellySettings;
  /** The order to fetch `url`, made of the profile's request. */
  readonly orderOf: (send: RequestPlan, url: string) => RequestPlan;
}

interface Plan {
  readonly send: RequestPlan;
  readonly settings: ShellySettings;
}

/**
 * The URL of an earlier order leads nowhere once its send has ended, and a Shelly that is updating takes no second
 * order; so an order may be given again, at worst to flash the same image once more.
 */
const traits: DeliveryTraits = Object.freeze({
  resumable: false,
  repeat: "idempotent",
  refusals: new Set([400, 401, 403, 404, 405, 429, 503]),
  verdict: "readback",
  activates: "itself",
});

/** @throws `invalid_profile` */
export function shelly(generation: Generation, options: ShellyOptions): Delivery {
  const { publisher, ...profile } = options;
  checkPublisher(publisher);
  const planOf = createPlans(generation, profile);
  return Object.freeze<Delivery>({
    kind: generation.kind,
    prober: shellyProber(generation, profile),
    bind(device, context) {
      const plan = planOf(context.profile ?? device.profile);
      const bound = boundTo(device, context, plan.settings.auth);
      return new ShellySession(plan, bound, publisher, generation.orderOf);
    },
  });
}

function createPlans(generation: Generation, options: Profile): (profile: Profile | undefined) => Plan {
  const compile = (layers: readonly Profile[]): Plan => {
    const { send } = layers.reduce<RawProfile>(overlay, generation.profile);
    const settings = layers.reduce((base, layer) => resolveSettings(base, layer.options), generation.settings);
    return { send: compileRequest(send || {}, { where: "send", methods: ["GET", "POST"], form: false }), settings };
  };
  const own = compile([options]);
  const plans = new WeakMap<Profile, Plan>();
  return (profile) => {
    if (profile === undefined) return own;
    const plan = plans.get(profile) ?? compile([options, profile]);
    plans.set(profile, plan);
    return plan;
  };
}

/** Reads as generic HTTP does, at this generation's place. */
function shellyProber({ kind, profile, settings }: Generation, { options, ...requests }: Profile): Prober {
  const { inspect } = overlay(profile, requests);
  const { auth } = resolveSettings(settings, options);
  const { bind } = httpProbe({ inspect, health: false, auth } as HttpOptions);
  return Object.freeze<Prober>({ kind, bind });
}

class ShellySession implements DeliverySession {
  readonly #plan: Plan;
  readonly #bound: Bound;
  readonly #publisher: Publisher;
  readonly #orderOf: Generation["orderOf"];

  constructor(plan: Plan, bound: Bound, publisher: Publisher, orderOf: Generation["orderOf"]) {
    this.#plan = plan;
    this.#bound = bound;
    this.#publisher = publisher;
    this.#orderOf = orderOf;
  }

  get traits(): DeliveryTraits {
    return traits;
  }

  send(payload: Payload, step: SendStep): Promise<Acknowledgement> {
    const { patience } = this.#plan.settings;
    const [publisher, bound] = [this.#publisher, this.#bound];
    const order = (url: string, orderStep: Step) => this.#order(url, orderStep, step.headers);
    return announce({ publisher, bound, payload, step, patience, order });
  }

  #order(url: string, step: Step, headers: SendStep["headers"] = {}): Promise<Ordered> {
    const plan = this.#orderOf(this.#plan.send, url);
    const callers = Object.entries(headers).flatMap(([name, value]) => [name.toLowerCase(), value]);
    const read = (reply: ExchangeReply): Ordered => {
      requireYes(reply, plan, this.#bound, "send");
      return { status: reply.status };
    };
    return exchange(this.#bound, plan, step, "send", read, withDefaults(callers, plan.headers));
  }
}
