import type { SimulatedDevice, SwitchOptions } from "../device.ts";
import type { Received } from "../records.ts";
import type { Reply } from "../replies.ts";
import type { Answer, Effect } from "../routes.ts";

export function plain(status: number, body: string, type = "text/plain"): Answer {
  return { reply: { status, headers: { "content-type": type }, body } };
}

export const missing: Answer = { ...plain(404, "Not Found"), outcome: "refused" };

/** Takes the image over as the device would, or as a fault has it, and restarts into it behind the answer. */
export function install(
  device: SimulatedDevice,
  received: Received,
  { effect, as, fallBackAfter }: Effect,
  reply: Reply,
  how: SwitchOptions = {},
): Answer {
  if (!effect) return { reply, outcome: "discarded" };
  device.stage(received, as);
  const after = () => device.switchOver({ ...how, ...(fallBackAfter !== undefined && { fallBackAfter }) });
  return { reply, outcome: "installed", after };
}

/** What a health route of the owner's own answers, at `/health`. */
export function healthOf({ healthy }: SimulatedDevice): Answer {
  return plain(healthy ? 200 : 503, healthy ? "ok" : "failing");
}

/** The path without its query, and the query. */
export function target(path: string): { readonly path: string; readonly query: URLSearchParams } {
  const [before = "", query = ""] = path.split("?", 2);
  return { path: before, query: new URLSearchParams(query) };
}

/** Whether `authorization` holds these words by Basic (RFC 7617). */
export function basicHolds(authorization: string | undefined, username: string, password: string): boolean {
  return authorization === `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}
