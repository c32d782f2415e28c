import type { Step } from "../../core/delivery.ts";
import { FlashwaveError } from "../../core/errors.ts";
import { replyContext } from "../shared/exchange.ts";
import type { JsonValue } from "../shared/json.ts";
import { requireSuccess } from "../shared/reply.ts";
import { membersOf, type Resource, valueAt } from "./resource.ts";
import type { Service } from "./service.ts";

const collections = {
  manager: { pointer: "/Managers/@odata.id", what: "collection of managers" },
  system: { pointer: "/Systems/@odata.id", what: "collection of systems" },
} as const;
const actions = ["#Manager.Reset", "#ComputerSystem.Reset"] as const;
const preferred = ["GracefulRestart", "ForceRestart"];

/**
 * Restarts a manager or a system so that it installs what is staged (DSP8010 Manager and ComputerSystem, `Reset`).
 * @throws `unsupported` where it is not clear what to restart, or it cannot be told to
 */
export async function restart(service: Service, reset: string, step: Step): Promise<void> {
  const path = reset === "manager" || reset === "system" ? await onlyOne(service, reset, step) : reset;
  const resource = await service.read(path, "what is to be restarted", step, "activate");
  const action = actions
    .map((name) => valueAt(resource, `/Actions/${name}`))
    .find((found) => found !== undefined && found !== null);
  if (action === undefined) throw service.unfit("what is to be restarted has no Reset action", "activate");
  const target = service.link(action, "/target", "target of its Reset action", "activate");
  const ResetType = typeOf(service, action);
  await service.post(target, { ResetType }, step, "activate", (reply) =>
    requireSuccess(reply, replyContext(service.bound, "activate")),
  );
}

async function onlyOne(service: Service, kind: "manager" | "system", step: Step): Promise<string> {
  const { pointer, what } = collections[kind];
  const root = await service.root(step, "activate");
  const collection = service.link(root, pointer, `${what} of its service root`, "activate");
  const page = await service.read(collection, `its ${what}`, step, "activate");
  const { links } = membersOf(page, service.origin);
  const [only, ...more] = links;
  if (only !== undefined && more.length === 0 && "path" in only) return only.path;
  throw service.unfit(`it has ${links.length} of the kind ${kind}; set options.reset to the path of one`, "activate");
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
