import type { Probe, Step } from "../../core/delivery.ts";
import { FlashwaveError, isFlashwaveError } from "../../core/errors.ts";
import type { DeviceState } from "../../core/outcome.ts";
import type { Bound } from "../shared/exchange.ts";
import { identityOf } from "../shared/identity.ts";
import { uptimeOf } from "./boot.ts";
import { findMember } from "./inventory.ts";
import { type Resource, textAt } from "./resource.ts";
import { Service } from "./service.ts";
import type { Plan } from "./settings.ts";

/**
 * Reads the version from the firmware inventory, from the service root on, each time: a restart may have changed what
 * there is. Each read logs in and out; a service has room for few sessions, and nobody would end ours.
 */
export class RedfishProbe implements Probe {
  readonly proves = "version";
  readonly #bound: Bound;
  readonly #plan: Plan;
  /** There unless the profile says `health: false`. */
  declare readonly health?: (step: Step) => Promise<void>;

  constructor(bound: Bound, plan: Plan) {
    this.#bound = bound;
    this.#plan = plan;
    if (plan.health) Object.defineProperty(this, "health", { value: (step: Step) => this.#requireWell(step) });
  }

  inspect(step: Step): Promise<DeviceState> {
    return this.#within(step, async (service, member) => {
      const version = textAt(member, "/Version");
      const problem = versionProblem(member, version);
      if (version === undefined || problem !== undefined) throw service.unfit(problem ?? noVersion, "inspect");
      const { device, context } = this.#bound;
      const uptime = await uptimeOf(service, step);
      const deviceId = this.#plan.uuid ? await uuidOf(service, device.id, step) : undefined;
      return {
        version,
        ...(uptime !== undefined && { uptime }),
        ...(deviceId !== undefined && { deviceId }),
        identity: identityOf(service.peer, service.accepted, deviceId === device.id),
        readAt: context.clock.wall(),
      };
    });
  }

  #requireWell(step: Step): Promise<void> {
    return this.#within(step, async (_service, member) => {
      const health = textAt(member, "/Status/Health");
      const state = textAt(member, "/Status/State");
      if (health === "OK" || (health === undefined && state === "Enabled")) return;
      const says = health === undefined ? "does not say that it is well" : "says that it is not well (Status.Health)";
      const message = `The device's firmware inventory ${says}; look at the device, or set health: false if it never tells.`;
      throw new FlashwaveError("unhealthy", message, {
        phase: "verify",
        device: this.#bound.device.id,
        retryable: true,
      });
    });
  }

  async #within<T>(step: Step, use: (service: Service, member: Resource) => Promise<T>): Promise<T> {
    const service = new Service(this.#bound, this.#plan);
    try {
      return await use(service, await findMember(service, step));
    } finally {
      await closeQuietly(service);
    }
  }
}

const noVersion = "its firmware inventory tells no version that is a short printable text";

/** A member that waits to be installed, or is being installed, tells nothing of what runs. */
function versionProblem(member: Resource, version: string | undefined): string | undefined {
  if (version === undefined) return noVersion;
  const state = textAt(member, "/Status/State");
  if (state === undefined || state === "Enabled") return undefined;
  return "its firmware inventory's member is not in use now (Status.State)";
}

/** RFC 9562 §4: to be compared without regard to case. */
async function uuidOf(service: Service, id: string, step: Step): Promise<string> {
  const uuid = textAt(await service.root(step, "inspect"), "/UUID");
  if (uuid === undefined) throw service.unfit("its service root names no UUID; set options.uuid to false", "inspect");
  return uuid.toLowerCase() === id.toLowerCase() ? id : uuid;
}

/** What was read stands, also where the service cannot be told that we are gone: its own timeout ends the session. */
async function closeQuietly(service: Service): Promise<void> {
  try {
    await service.close();
  } catch (error) {
    if (!isFlashwaveError(error)) throw error;
  }
}
