import type { Step } from "../../core/delivery.ts";
import type { Receipt } from "../../core/outcome.ts";
import { type Bound, exchange, requireYes } from "./exchange.ts";
import type { RequestPlan } from "./request-plan.ts";

/** What a device may be told after it has the bytes. */
export const orderNames = ["activate", "commit", "rollback"] as const;
export type OrderName = (typeof orderNames)[number];

/** One request each, where a profile names it. */
export type OrderPlans = { readonly [Name in OrderName]?: RequestPlan };

export type Order = (receipt: Receipt | undefined, step: Step) => Promise<void>;

/** Gives a session the orders of its plan, as properties of its own. */
export function giveOrders(session: object, plans: OrderPlans, bound: Bound): void {
  for (const name of orderNames) {
    const plan = plans[name];
    if (plan === undefined) continue;
    const value: Order = (_receipt, step) =>
      exchange(bound, plan, step, name, (reply) => requireYes(reply, plan, bound, name));
    Object.defineProperty(session, name, { value });
  }
}
