import { Buffer } from "node:buffer";
import type { DeliverySession, DeliveryTraits, SendStep, Step } from "../../core/delivery.ts";
import { FlashwaveError, inContext, isFlashwaveError } from "../../core/errors.ts";
import type { Acknowledgement, Receipt } from "../../core/outcome.ts";
import type { Payload } from "../../core/payload.ts";
import type { ExchangeReply } from "../../core/transport.ts";
import { announce } from "../shared/announce.ts";
import { type Bound, replyContext } from "../shared/exchange.ts";
import { readJson } from "../shared/json.ts";
import { requireSuccess } from "../shared/reply.ts";
import { withDefaults } from "../shared/request-plan.ts";
import { restart } from "./reset.ts";
import { linkOf, valueAt } from "./resource.ts";
import { bodyOf, chooseRoute, orderOf, type PullRoute, type PushRoute } from "./route.ts";
import { Service } from "./service.ts";
import type { Plan } from "./settings.ts";
import { type Followed, follow, lookAt } from "./settle.ts";

/** For messages: the paths are the device's own words, and are not shown. */
const asked = {
  multipart: "the multipart push that it advertises",
  raw: "the raw push that it advertises",
  pull: "the order to fetch the image (SimpleUpdate)",
} as const;
/** Answers that a service gives before it does anything with an image. */
const refusals: ReadonlySet<number> = new Set([401, 403, 404, 405, 413, 415, 429, 503]);
const traits = Object.freeze({ resumable: false, repeat: "unsafe", refusals, verdict: "channel" } as const);
const installsItself: DeliveryTraits = Object.freeze({ ...traits, activates: "itself" });
const nothing: Followed = Object.freeze({ monitor: undefined, task: undefined, first: undefined });
const onRequest: DeliveryTraits = Object.freeze({ ...traits, activates: "on-request" });

/** One service from login to logout. */
export class RedfishSession implements DeliverySession {
  readonly #service: Service;
  readonly #plan: Plan;
  #sent: { readonly followed: Followed; readonly staged: boolean } | undefined;
  /** There only where the profile names what is to be restarted. */
  declare readonly activate?: (receipt: Receipt, step: Step) => Promise<void>;

  constructor(bound: Bound, plan: Plan) {
    this.#service = new Service(bound, plan);
    this.#plan = plan;
    const { reset } = plan;
    if (reset !== undefined) {
      const order = (_receipt: Receipt, step: Step) => restart(this.#service, step);
      Object.defineProperty(this, "activate", { value: order });
    }
  }

  get traits(): DeliveryTraits {
    return this.#plan.reset === undefined ? installsItself : onRequest;
  }

  async send(payload: Payload, step: SendStep): Promise<Acknowledgement> {
    const route = await this.#routeFor(payload, step);
    // Where the answer to this one is lost, an earlier one's task is not followed in its place.
    this.#sent = { followed: nothing, staged: route.staged };
    if (route.kind === "pull") return this.#pull(route, payload, step);
    const { contentType, segments, before } = bodyOf(route, this.#plan, payload);
    const { length } = payload.artifact;
    const headers = headersOf(step, contentType);
    const { pace, onSent } = step;
    const told = onSent && ((bytes: number) => onSent(Math.min(Math.max(bytes - before, 0), length)));
    const request = { method: "POST", path: route.path, headers, body: segments, pace, onSent: told } as const;
    try {
      return await this.#service.exchange(request, step, "send", (reply) => this.#acknowledged(reply, route, length));
    } catch (error) {
      throw advised(error, route);
    }
  }

  /** The acknowledgement is the fetch; the answer to the order tells where its task is followed. */
  #pull(route: PullRoute, payload: Payload, step: SendStep): Promise<Acknowledgement> {
    const { bound } = this.#service;
    const { patience } = this.#plan;
    const headers = headersOf(step, "application/json");
    const { length } = payload.artifact;
    const order = (url: string, orderStep: Step) => {
      const body = Buffer.from(JSON.stringify(orderOf(url, this.#plan)));
      const request = { method: "POST", path: route.path, headers, body } as const;
      return this.#service.exchange(request, orderStep, "send", (reply) => this.#acknowledged(reply, route, length));
    };
    return announce({ publisher: route.publisher, bound, payload, step, patience, order });
  }

  /** By the push of this session; by the receipt alone, where another process sent. */
  settle(receipt: Receipt, step: Step): Promise<"installed" | "staged" | "lost"> {
    const { followed, staged } = this.#sent ?? {
      followed: { ...nothing, monitor: linkedPath(receipt.remoteId, receipt.origin) },
      staged: this.#plan.applyTime !== undefined && this.#plan.applyTime !== "Immediate",
    };
    return follow(this.#service, followed, staged, step);
  }

  close(): Promise<void> {
    return this.#service.close();
  }

  /** Everything that can be said before the first byte. Until then, nothing of the artifact has left. */
  async #routeFor(payload: Payload, step: SendStep): Promise<PushRoute | PullRoute> {
    try {
      const updates = await this.#service.updates(step, "send");
      const route = chooseRoute(updates, this.#plan, this.#service.origin);
      if ("problem" in route) throw this.#service.unfit(route.problem, "send");
      const { length } = payload.artifact;
      if (route.limit !== undefined && length > route.limit) throw tooLarge(length, route.limit);
      return route;
    } catch (error) {
      throw isFlashwaveError(error) ? inContext(error, { bytesOut: "none" }) : error;
    }
  }

  #acknowledged(reply: ExchangeReply, { kind, staged }: PushRoute | PullRoute, bytes: number): Acknowledgement {
    requireSuccess(reply, replyContext(this.#service.bound, "send", { about: asked[kind] }));
    const { origin } = this.#service;
    const json = readJson(reply.body);
    const body = "value" in json ? json.value : null;
    const located = linkedPath(reply.headers.get("location"), origin);
    // OpenBMC names both; some name the Task alone, and that with 200.
    const monitor = located ?? linkedPath(valueAt(body, "/TaskMonitor"), origin);
    const task =
      valueAt(body, "/TaskState") === undefined ? undefined : linkedPath(valueAt(body, "/@odata.id"), origin);
    const first = lookAt(reply, this.#service.bound.context.clock);
    this.#sent = { followed: { monitor, task, first }, staged };
    const remoteId = monitor ?? task;
    return { status: reply.status, bytes, ...(remoteId !== undefined && { remoteId }) };
  }
}

/** A usable path on the device itself, or nothing: whatever else it names is not followed. */
function linkedPath(value: unknown, origin: string): string | undefined {
  const link = linkOf(value, origin);
  return "path" in link && link.path.length <= 256 ? link.path : undefined;
}

/** What the caller added to this one push goes before ours of the same name. */
function headersOf({ headers = {} }: SendStep, contentType: string): string[] {
  const given = Object.entries(headers).flatMap(([name, value]) => [name.toLowerCase(), value]);
  return withDefaults(given, ["content-type", contentType, "accept", "application/json"]);
}

function tooLarge(length: number, limit: number): FlashwaveError {
  const message = `The device takes images of at most ${limit} bytes (MaxImageSizeBytes), and this artifact has ${length}; nothing was sent. Check that it is meant for this device.`;
  return new FlashwaveError("artifact_too_large", message, { phase: "send" });
}

/** What this protocol's devices mostly mean by a fault. */
function advised(error: unknown, { kind, limit }: PushRoute): unknown {
  if (!isFlashwaveError(error)) return error;
  if (error.code === "connection_lost" && error.bytesOut === "some") {
    const known = limit === undefined ? "it names no limit" : `it says that it takes ${limit} bytes`;
    return inContext(error, {
      message: `${error.message} A Redfish service that finds an image too large ends the connection without saying so (${known}).`,
    });
  }
  if (error.code === "refused" && error.reply?.status === 404) {
    return inContext(error, {
      message: `The device answered 404 at the ${kind} push URI that it advertises; set options.push to the other one, if it has one.`,
    });
  }
  return error;
}
