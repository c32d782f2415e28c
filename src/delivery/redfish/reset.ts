import type { Step } from "../../core/delivery.ts";
import { FlashwaveError, type FlashwaveErrorCode, isFlashwaveError } from "../../core/errors.ts";
import { replyContext } from "../shared/exchange.ts";
import type { JsonValue } from "../shared/json.ts";
import { requireSuccess } from "../shared/reply.ts";
import { placeOf } from "./only-one.ts";
import { type Resource, valueAt } from "./resource.ts";
import type { Service } from "./service.ts";

const actions = ["#Manager.Reset", "#ComputerSystem.Reset"] as const;
const preferred = ["GracefulRestart", "ForceRestart"];

/** After these nobody was there to be told. */
const away: ReadonlySet<FlashwaveErrorCode> = new Set([
  "connect_failed",
  "connect_timeout",
  "connection_lost",
  "response_timeout",
  "device_busy",
]);

/**
 * Restarts a manager or a system so that it installs what is staged (DSP8010 Manager and ComputerSystem, `Reset`).
 * @throws `unsupported` where it is not clear what to restart, or it cannot be told to; `connection_lost` where the
 * device is away: it may be restarting by itself, so what it then runs decides
 */
export async function restart(service: Service, step: Step): Promise<void> {
  try {
    await order(service, step);
  } catch (cause) {
    if (!isFlashwaveError(cause) || !away.has(cause.code)) throw cause;
    const message = `The device was not there to be told to restart (${cause.code}); it may be restarting by itself. Read it.`;
    const { id: device } = service.bound.device;
    throw new FlashwaveError("connection_lost", message, { phase: "activate", retryable: true, device, cause });
  }
}

async function order(service: Service, step: Step): Promise<void> {
  const path = await placeOf(service, "reset", step, "activate");
  const resource = await service.read(path, "what is to be restarted", step, "activate");
  const action = actions
    .map((name) => valueAt(resource, `/Actions/${name}`))
    .find((found) => found !== undefined && found !== null);
  if (action === undefined) throw service.unfit("what is to be restarted has no Reset action", "activate");
  const target = service.link(action, "/target", "target of its Reset action", "activate");
  const ResetType = typeOf(service, action);
  await service.post(target, { ResetType }, step, "activate", (reply) =>
    requireSuccess(reply, replyContext(service.bound, "activate", { about: `its Reset action (${ResetType})` })),
  );
}

function typeOf(service: Service, action: Resource): string {
  const { resetType } = service.plan;
  const told = valueAt(action, "/ResetType@Redfish.AllowableValues");
  const allowed: readonly JsonValue[] | undefined = Array.isArray(told) ? told : undefined;
  const wanted = resetType === undefined ? preferred : [resetType];
  const fits = wanted.find((type) => allowed === undefined || allowed.includes(type));
  if (fits !== undefined) return fits;
  throw notOffered(wanted, service);
}

function notOffered(wanted: readonly string[], service: Service): FlashwaveError {
  const message = `The device offers no ${wanted.join(" and no ")} there; set options.resetType to one that it offers.`;
  return new FlashwaveError("unsupported", message, { phase: "activate", device: service.bound.device.id });
}
