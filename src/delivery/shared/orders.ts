import type { Step } from "../../core/delivery.ts";
import type { Receipt } from "../../core/outcome.ts";
import type { ExchangeReply } from "../../core/transport.ts";
import { type Bound, exchange, requireYes } from "./exchange.ts";
import { compileRequest, type RequestPlan } from "./request-plan.ts";

/** What a device may be told after it has the bytes. */
export const orderNames = ["activate", "commit", "rollback"] as const;
export type OrderName = (typeof orderNames)[number];

/** One request each, where a profile names it. */
export type OrderPlans = { readonly [Name in OrderName]?: RequestPlan };

export type Order = (receipt: Receipt | undefined, step: Step) => Promise<void>;

const methods = ["POST", "PUT", "PATCH", "DELETE", "GET"];

/** @throws `invalid_profile` */
export function compileOrders(profile: { readonly [Name in OrderName]?: unknown }): OrderPlans {
  const named = orderNames.filter((name) => profile[name] !== undefined);
  const plans = named.map((where) => {
    const fields = { method: "POST", ...Object(profile[where]) };
    return [where, compileRequest(fields, { where, methods, form: true })] as const;
  });
  return Object.freeze(Object.fromEntries(plans));
}

/** Returns where the device did as it was told, in the way of its protocol. */
export type OrderRule = (
  reply: ExchangeReply,
  request: RequestPlan,
  name: OrderName,
  receipt: Receipt | undefined,
) => void;

/** Gives a session the orders of its plan, as properties of its own. */
export function giveOrders(session: object, plans: OrderPlans, bound: Bound, rule?: OrderRule): void {
  const requireDone: OrderRule = rule ?? ((reply, request, name) => requireYes(reply, request, bound, name));
  for (const name of orderNames) {
    const plan = plans[name];
    if (plan === undefined) continue;
    const value: Order = (receipt, step) =>
      exchange(bound, plan, step, name, (reply) => requireDone(reply, plan, name, receipt));
    Object.defineProperty(session, name, { value });
  }
}
