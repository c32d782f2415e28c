import { controlOf } from "./control.ts";
import type { SimulatedDevice } from "./device.ts";
import type { SimulatedHealth } from "./device-options.ts";
import type { ScriptEntry } from "./faults.ts";
import type { RequestHead } from "./records.ts";
import type { Reply } from "./replies.ts";

export const adminPrefix = "/_sim/";

const readable = ["state", "counters", "received", "requests"] as const;

/**
 * Drives a device over its own listener: `GET /_sim/state`, `counters`, `received`, `requests`; `POST /_sim/script` (one
 * entry or a list, `times: null` for ever), `reset`, `reboot`, `health` (`"failing"`). Neither counted nor spoilt by
 * faults, but unreachable while the device restarts.
 */
export function admin(device: SimulatedDevice, { method, path }: RequestHead, body: string): Reply {
  const control = controlOf(device);
  const what = path.slice(adminPrefix.length);
  const wanted = readable.find((name) => name === what);
  if (method === "GET" && wanted) return { status: 200, json: { [wanted]: control[wanted]() } };
  if (method !== "POST") return { status: 404, json: { error: "there is no such admin route" } };
  try {
    if (what === "reset") control.reset();
    else if (what === "reboot") control.reboot();
    else if (what === "health") control.health(JSON.parse(body) as SimulatedHealth);
    else if (what === "script") control.script(...([JSON.parse(body)].flat() as ScriptEntry[]));
    else return { status: 404, json: { error: "there is no such admin route" } };
    return { status: 200, json: { ok: true } };
  } catch (error) {
    return { status: 400, json: { error: String(error) } };
  }
}
