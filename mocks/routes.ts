import type { Duplex } from "node:stream";
import { admin, adminPrefix } from "./admin.ts";
import type { SimulatedDevice } from "./device.ts";
import type { Endpoint, Received, RequestHead } from "./records.ts";
import type { Reply } from "./replies.ts";
import type { Stand } from "./shelly/pull.ts";

export type EndpointPaths = Readonly<Record<Endpoint, string>>;

export const defaultPaths: EndpointPaths = Object.freeze({
  update: "/update",
  version: "/version",
  health: "/health",
  activate: "/activate",
  commit: "/commit",
  rollback: "/rollback",
});

const methods: Readonly<Record<Endpoint, readonly string[]>> = {
  update: ["POST", "PUT"],
  version: ["GET", "HEAD"],
  health: ["GET", "HEAD"],
  activate: ["POST"],
  commit: ["POST"],
  rollback: ["POST"],
};

export function endpointOf(path: string, paths: EndpointPaths): Endpoint | "other" {
  const plain = path.split("?", 1)[0];
  for (const endpoint of Object.keys(paths) as Endpoint[]) if (paths[endpoint] === plain) return endpoint;
  return "other";
}

/** What a request changes, scripted or not: `effect` false makes every answer an empty promise. */
export interface Effect {
  readonly effect: boolean;
  readonly as?: { readonly version: string; readonly digest?: string | undefined };
  readonly fallBackAfter?: number;
  /** How what an order leads to is fetched. */
  readonly fetch?: Stand;
}

/** An answer, and what the device does once the answer has left. */
export interface Answer {
  readonly reply: Reply;
  readonly outcome?: Received["outcome"];
  readonly after?: () => void;
  /** Takes the connection, which speaks another protocol behind this answer. */
  readonly takeOver?: (socket: Duplex) => void;
}

const refuse = (status: number, error: string): Answer => ({ reply: { status, json: { error } }, outcome: "refused" });

function update(device: SimulatedDevice, received: Received, { effect, as, fallBackAfter }: Effect): Answer {
  const { bytes, sha256 } = received;
  const { activation = "itself" } = device.options;
  const state = activation === "itself" ? "installing" : "staged";
  const reply: Reply = { status: 200, json: { state, bytes, sha256 } };
  if (!effect) return { reply, outcome: "discarded" };
  const objection = device.objection(received);
  if (objection !== undefined) return refuse(422, objection);
  device.stage(received, as);
  if (activation === "on-request") return { reply, outcome: "staged" };
  return {
    reply,
    outcome: "installed",
    after: () => device.switchOver(fallBackAfter === undefined ? {} : { fallBackAfter }),
  };
}

function order(device: SimulatedDevice, endpoint: "activate" | "commit" | "rollback", effect: Effect): Answer {
  const state = { activate: "installing", commit: "committed", rollback: "rolling-back" }[endpoint];
  const done: Answer = { reply: { status: 200, json: { state } } };
  if (!effect.effect) return done;
  if (endpoint === "commit") {
    if (device.options.trial !== true) return refuse(404, "this device has no trial");
    // Asked twice, answered twice: a commit whose answer was lost may be repeated.
    device.commit();
    return done;
  }
  if (endpoint === "activate") {
    if (!device.staged) return refuse(409, "nothing is staged");
    const { fallBackAfter } = effect;
    return { ...done, after: () => device.switchOver(fallBackAfter === undefined ? {} : { fallBackAfter }) };
  }
  if (!device.revertible) return refuse(409, "there is nothing to go back to");
  return { ...done, after: () => device.rollback() };
}

/** What a device that does nothing wrong answers. `received` is the ended body of an update. */
export function answer(
  device: SimulatedDevice,
  endpoint: Endpoint | "other",
  request: { readonly head: RequestHead; readonly body: string; readonly received?: Received },
  effect: Effect,
): Answer {
  const { head, received, body } = request;
  if (endpoint === "other") {
    return head.path.startsWith(adminPrefix)
      ? { reply: admin(device, head, body) }
      : refuse(404, "there is no such path");
  }
  if (!methods[endpoint].includes(head.method)) {
    const allow = { allow: methods[endpoint].join(", ") };
    return { reply: { status: 405, headers: allow, json: { error: "not this method" } }, outcome: "refused" };
  }
  if (endpoint === "version") return { reply: { status: 200, json: { ...device.report() } } };
  if (endpoint === "health") {
    const { healthy } = device;
    return { reply: { status: healthy ? 200 : 503, json: { status: healthy ? "ok" : "failing" } } };
  }
  if (endpoint === "update") return received ? update(device, received, effect) : refuse(400, "there is no body");
  return order(device, endpoint, effect);
}
