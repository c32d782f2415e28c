import type { Probe, Step } from "../../core/delivery.ts";
import type { DeviceState } from "../../core/outcome.ts";
import type { ExchangeReply } from "../../core/transport.ts";
import { failedCheck } from "../shared/checks.ts";
import { type Bound, exchange, replyContext } from "../shared/exchange.ts";
import { identityOf } from "../shared/identity.ts";
import { isSelfDelimited, replyError, requireSuccess } from "../shared/reply.ts";
import type { RequestPlan } from "../shared/request-plan.ts";
import type { InspectPlan, ReadingPlan } from "./plan.ts";
import { readState } from "./state-plan.ts";

/** Reads a device's state with one request, and asks for its health with another where there is one. */
export class HttpProbe implements Probe {
  readonly #plan: InspectPlan;
  readonly #bound: Bound;
  /** There only where the profile has a health check. */
  declare readonly health?: (step: Step) => Promise<void>;

  /** @throws `invalid_address`, `address_denied` for another port */
  constructor(plan: InspectPlan, health: ReadingPlan | undefined, bound: Bound) {
    this.#plan = plan;
    this.#bound = boundAt(bound, plan.port);
    if (health !== undefined) {
      const there = boundAt(bound, health.port);
      Object.defineProperty(this, "health", { value: (step: Step) => requireHealth(there, health, step) });
    }
  }

  get proves(): Probe["proves"] {
    return this.#plan.state.proves;
  }

  inspect(step: Step): Promise<DeviceState> {
    return exchange(this.#bound, this.#plan, step, "inspect", (reply, proved) => this.#read(reply, proved));
  }

  #read(reply: ExchangeReply, proved: boolean | undefined): DeviceState {
    const context = replyContext(this.#bound, "inspect", this.#plan);
    requireSuccess(reply, context);
    const problem = failedCheck(this.#plan.checks, reply.body);
    const reading =
      problem === undefined ? readState(this.#plan.state, reply.body, isSelfDelimited(reply)) : { problem };
    if ("problem" in reading) {
      const message = `The device answered ${reply.status}, but ${reading.problem}; check the profile's inspect request.`;
      throw replyError("unreadable_state", message, reply, context, true);
    }
    const {
      device,
      context: { clock },
    } = this.#bound;
    const identity = identityOf(reply.peer, proved === true, reading.state.deviceId === device.id);
    return { ...reading.state, identity, readAt: clock.wall() };
  }
}

/** At another port is another origin: of the login for the device's own it is told nothing. */
function boundAt({ device, context, authorization }: Bound, port: number | undefined): Bound {
  if (port === undefined) return { device, context, authorization };
  const url = new URL(context.origin);
  url.port = String(port);
  const origin = context.transport.origin(url.origin);
  if (origin === context.origin) return { device, context, authorization };
  const { transport, clock, closing } = context;
  return { device, context: { transport, origin, clock, closing } };
}

function requireHealth(bound: Bound, plan: RequestPlan, step: Step): Promise<void> {
  return exchange(bound, plan, step, "verify", (reply) => requireWell(reply, plan, bound));
}

function requireWell(reply: ExchangeReply, plan: RequestPlan, bound: Bound): void {
  const well = reply.status >= 200 && reply.status < 300;
  const problem = well ? failedCheck(plan.checks, reply.body) : "so it says that it is not well";
  if (problem === undefined) return;
  const message = `The device answered its health check with ${reply.status}, ${well ? "but " : ""}${problem}; look at the device before sending anything else.`;
  throw replyError("unhealthy", message, reply, replyContext(bound, "verify", plan), true);
}
