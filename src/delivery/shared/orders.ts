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

/** What a protocol has of its own to say of orders. */
export interface OrderRules {
  /** Returns where the device did as it was told. @default any 2xx that holds what the profile's checks ask for */
  readonly requireDone?: (reply: ExchangeReply, request: RequestPlan, name: OrderName) => void;
  /** Returns where what was ordered is so, though the order failed with `error`; throws that otherwise. */
  readonly afterwards?: (error: unknown, name: OrderName, step: Step) => Promise<void>;
}

/** Gives a session the orders of its plan, as properties of its own. */
export function giveOrders(session: object, plans: OrderPlans, bound: Bound, rules: OrderRules = {}): void {
  const { requireDone = (reply, request, name) => requireYes(reply, request, bound, name), afterwards } = rules;
  for (const name of orderNames) {
    const plan = plans[name];
    if (plan === undefined) continue;
    const give: Order = (_receipt, step) =>
      exchange(bound, plan, step, name, (reply) => requireDone(reply, plan, name));
    const value: Order =
      afterwards === undefined
        ? give
        : (receipt, step) => give(receipt, step).catch((error: unknown) => afterwards(error, name, step));
    Object.defineProperty(session, name, { value });
  }
}
