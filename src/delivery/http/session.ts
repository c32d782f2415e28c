import type { DeliverySession, DeliveryTraits, SendStep } from "../../core/delivery.ts";
import type { Acknowledgement } from "../../core/outcome.ts";
import type { Payload, Segment } from "../../core/payload.ts";
import type { ExchangeReply } from "../../core/transport.ts";
import { type Bound, exchange, requireYes } from "../shared/exchange.ts";
import { giveOrders, type Order } from "../shared/orders.ts";
import { artifactHeaders } from "./headers.ts";
import { firstPart, PartedSend } from "./parts.ts";
import type { SendPlan } from "./plan.ts";

/** One device over plain HTTP. Its calls share a login where it has one, and nothing that must be let go of. */
export class HttpSession implements DeliverySession {
  readonly #plan: SendPlan;
  readonly #bound: Bound;
  /** There only where the profile names the request. */
  declare readonly activate?: Order;
  declare readonly commit?: Order;
  declare readonly rollback?: Order;

  constructor(plan: SendPlan, bound: Bound) {
    this.#plan = plan;
    this.#bound = bound;
    giveOrders(this, plan, bound);
  }

  get traits(): DeliveryTraits {
    return this.#plan.traits;
  }

  send(payload: Payload, step: SendStep): Promise<Acknowledgement> {
    const { send, challenge, parts } = this.#plan;
    const { length } = payload.artifact;
    if (parts !== undefined && length > firstPart) {
      return new PartedSend(this.#plan, parts, this.#bound, payload, step).run();
    }
    let body: Segment;
    try {
      body = payload.slice(0, length);
    } catch (error) {
      return Promise.reject(error);
    }
    const headers = artifactHeaders(this.#plan, this.#bound.device, payload.artifact, step);
    const acknowledge = (reply: ExchangeReply): Acknowledgement => {
      requireYes(reply, send, this.#bound, "send");
      return { status: reply.status, bytes: length };
    };
    return exchange(this.#bound, send, step, "send", acknowledge, headers, body, challenge);
  }
}
