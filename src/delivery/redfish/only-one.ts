import type { Step } from "../../core/delivery.ts";
import type { Phase } from "../../core/errors.ts";
import { membersOf } from "./resource.ts";
import type { Service } from "./service.ts";

const collections = {
  manager: { pointer: "/Managers/@odata.id", what: "collection of managers" },
  system: { pointer: "/Systems/@odata.id", what: "collection of systems" },
} as const;

/**
 * The place that a setting names: a path as it is, or that of the only manager or system there is.
 * @throws `unsupported`, or `unreadable_state` in a read, where there is not exactly one
 */
export async function placeOf(service: Service, setting: "reset" | "boot", step: Step, phase: Phase): Promise<string> {
  const named = service.plan[setting] ?? "";
  if (named !== "manager" && named !== "system") return named;
  const { pointer, what } = collections[named];
  const root = await service.root(step, phase);
  const collection = service.link(root, pointer, `${what} of its service root`, phase);
  const page = await service.read(collection, `its ${what}`, step, phase);
  const { links } = membersOf(page, service.origin);
  const [only, ...more] = links;
  if (only !== undefined && more.length === 0 && "path" in only) return only.path;
  throw service.unfit(`it has ${links.length} of the kind ${named}; set options.${setting} to the path of one`, phase);
}
