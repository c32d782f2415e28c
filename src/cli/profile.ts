import type { InspectRequest, Profile } from "../core/index.ts";
import type { Flags } from "./flags.ts";
import { type Given, given } from "./given.ts";
import { UsageError } from "./usage-error.ts";
import { deliveryOptionsOf, headersOf, portOf } from "./values.ts";

/** How devices are spoken to. A `--header` goes with every request, since it is mostly a credential. */
export function profileOf(flags: Flags): Profile {
  const headers = flags.header && headersOf(flags.header);
  const { method, path, versionPath, pointer, pattern, text, healthPath } = flags;
  const port = portOf("--version-port", flags.versionPort, 1);
  const order = (at: string | undefined) => (at === undefined ? undefined : given({ path: at, headers }));
  if (flags.health === false && healthPath !== undefined)
    throw new UsageError("--health-path and --no-health exclude each other.");
  return filled({
    send: given({ method, path, headers }),
    inspect: given({
      path: versionPath,
      port,
      ...{ pointer, pattern, text, also: alsoOf(flags) },
      // A header is mostly a credential, and those are for the device's own address.
      headers: port === undefined ? headers : undefined,
    }),
    health:
      flags.health === false ? false : given({ path: healthPath, headers: asksHealth(flags) ? headers : undefined }),
    activate: order(flags.activatePath),
    commit: order(flags.commitPath),
    rollback: order(flags.rollbackPath),
    options: flags.option && deliveryOptionsOf(flags.option),
  });
}

/** Whether devices have a health route: a header for one that they have not would have it asked for. */
function asksHealth({ healthPath, via, probe = via }: Flags): boolean {
  return healthPath !== undefined || probe === undefined || probe === "http" || probe === "tus";
}

/**
 * Whether a device is told to install later, so that nothing but staging is to be expected of it.
 * @param own its profile, where it has one: it goes before what the flags say
 */
export function stagingAsked(typed: Profile, own: Profile = {}): boolean {
  const options = { ...typed.options, ...own.options };
  const applyTime = options["applyTime"];
  return applyTime !== undefined && applyTime !== "Immediate" && options["reset"] === undefined;
}

/** Who names one pointer replaces them all; the boot id is worth keeping where it usually stands. */
function alsoOf({ digestPointer, bootPointer, hardwarePointer, text, pattern }: Flags): InspectRequest["also"] {
  if (digestPointer === undefined && bootPointer === undefined && hardwarePointer === undefined) return undefined;
  if (text === true)
    throw new UsageError(
      "--text takes the whole answer; without it, --digest-pointer, --boot-pointer and --hardware-pointer can be read.",
    );
  const usual = pattern === undefined ? "/bootId" : undefined;
  return given({ digest: digestPointer, bootId: bootPointer ?? usual, hardware: hardwarePointer });
}

/** The parts that say something: an empty request would bring one back that a protocol does without. */
function filled<T extends object>(parts: T): Given<T> {
  return Object.fromEntries(
    Object.entries(parts).filter(([, part]) => part === false || Object.keys(part ?? {}).length > 0),
  ) as Given<T>;
}
