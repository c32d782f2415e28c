import type { Step } from "../../core/delivery.ts";
import { placeOf } from "./only-one.ts";
import { textAt } from "./resource.ts";
import type { Service } from "./service.ts";

/** DSP0266 §9.6.6 date-time: RFC 3339 with a numeric offset or Z. */
const moment = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;

/**
 * Seconds since a manager was last reset, as far as it tells (DSP8010 Manager: `LastResetTime`, `DateTime`).
 *
 * Both are by the manager's own clock, so that it need not be right: only what lies between is taken. `LastResetTime`
 * alone would be no evidence: some services (OpenBMC) reckon it anew at each read, and two reads then differ by a second.
 */
export function uptimeBetween(lastReset: string | undefined, now: string | undefined): number | undefined {
  if (lastReset === undefined || now === undefined || !moment.test(lastReset) || !moment.test(now)) return undefined;
  const seconds = (Date.parse(now) - Date.parse(lastReset)) / 1_000;
  return seconds >= 0 ? seconds : undefined;
}

/** What the manager that `options.boot` names tells of it; nothing where it tells nothing. */
export async function uptimeOf(service: Service, step: Step): Promise<number | undefined> {
  if (service.plan.boot === undefined) return undefined;
  const path = await placeOf(service, "boot", step, "inspect");
  const manager = await service.read(path, "what tells of its restarts", step, "inspect");
  return uptimeBetween(textAt(manager, "/LastResetTime"), textAt(manager, "/DateTime"));
}
