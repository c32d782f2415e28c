import type { Delivery, Prober } from "../core/delivery.ts";
import type { Device } from "../core/device.ts";
import { FlashwaveError } from "../core/errors.ts";
import { invalidOption } from "./options.ts";

/** The adapters that speak to one kind of device. */
export interface Route {
  readonly delivery: Delivery;
  readonly prober: Prober | undefined;
}

/** Finds the delivery and the probe that a device names. */
export class Routes {
  readonly #deliveries: ReadonlyMap<string, Delivery>;
  readonly #probers: ReadonlyMap<string, Prober>;
  /** The way to devices that name neither. */
  readonly #usual: Route;

  constructor(deliveries: readonly Delivery[], probers: readonly Prober[]) {
    const [first] = deliveries;
    if (first === undefined) throw invalidOption("deliveries", "a list of at least one delivery", deliveries);
    this.#deliveries = byKind("deliveries", deliveries);
    const own = deliveries.flatMap((delivery) => (delivery.prober === undefined ? [] : [delivery.prober]));
    // A prober given on its own replaces the one that a delivery of the same kind brings along.
    this.#probers = new Map([...byKind("deliveries", own), ...byKind("probers", probers)]);
    this.#usual = { delivery: first, prober: this.#prober(first.prober?.kind, "") };
  }

  /** @throws `unknown_delivery` */
  of(device: Device): Route {
    const { delivery: kind, probe, id } = device;
    if (kind === undefined && probe === undefined) return this.#usual;
    const delivery = kind === undefined ? this.#usual.delivery : this.#deliveries.get(kind);
    if (delivery === undefined) throw unknownKind("delivery", kind, this.#deliveries, id);
    return { delivery, prober: this.#prober(probe ?? delivery.prober?.kind, id) };
  }

  #prober(kind: string | undefined, device: string): Prober | undefined {
    if (kind === undefined) return undefined;
    const prober = this.#probers.get(kind);
    if (prober === undefined) throw unknownKind("probe", kind, this.#probers, device);
    return prober;
  }
}

/** What is used of a device is checked at the door, whoever hands it in. */
export function checkDevice(device: unknown): asserts device is Device {
  if (typeof device !== "object" || device === null)
    throw invalidOption("device", "an object with id and address, or a registered id", device);
  const { id, address, name, site } = device as Partial<Record<"id" | "address" | "name" | "site", unknown>>;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
  if (typeof id !== "string" || id.length === 0 || id.length > 256 || /[\u0000-\u001f\u007f]/.test(id)) {
    throw invalidOption("device.id", "1 to 256 printable characters", id);
  }
  if (typeof address !== "string") throw invalidOption("device.address", "an http or https address", address);
  if (name !== undefined && typeof name !== "string") throw invalidOption("device.name", "text", name);
  if (site !== undefined && typeof site !== "string") throw invalidOption("device.site", "text", site);
}

function byKind<T extends { readonly kind: string }>(name: string, items: readonly T[]): Map<string, T> {
  const found = new Map<string, T>();
  for (const item of items) {
    const { kind, bind } = Object(item) as { readonly kind?: unknown; readonly bind?: unknown };
    if (typeof kind !== "string" || typeof bind !== "function")
      throw invalidOption(name, "a list of what factories such as http() make", item);
    if (found.has(item.kind)) {
      throw new FlashwaveError(
        "invalid_option",
        `${name} has two of kind ${JSON.stringify(item.kind)}. Give each kind once.`,
        { phase: "prepare" },
      );
    }
    found.set(item.kind, item);
  }
  return found;
}

function unknownKind(
  what: string,
  kind: string | undefined,
  known: ReadonlyMap<string, unknown>,
  device: string,
): FlashwaveError {
  return new FlashwaveError(
    "unknown_delivery",
    `The device names the ${what} ${JSON.stringify(kind)}, but this client has ${[...known.keys()].join(", ") || "none"}. Give it to createClient.`,
    { phase: "prepare", device },
  );
}
