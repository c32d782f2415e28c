import type { Clock } from "../core/clock.ts";
import type { Delivery, DeliveryContext, Prober } from "../core/delivery.ts";
import type { Device } from "../core/device.ts";
import { FlashwaveError } from "../core/errors.ts";
import type { Transport } from "../core/transport.ts";
import { invalidOption } from "./options.ts";

/** A device with everything that is needed to speak to it. No I/O has happened. */
export interface Bound {
  readonly device: Device;
  readonly delivery: Delivery;
  readonly prober: Prober | undefined;
  readonly context: DeliveryContext;
}

/** Finds the delivery and the probe that a device names. */
export class Bindings {
  readonly #deliveries: ReadonlyMap<string, Delivery>;
  readonly #probers: ReadonlyMap<string, Prober>;
  readonly #first: Delivery;
  readonly #transport: Transport;
  readonly #clock: Clock;

  constructor(deliveries: readonly Delivery[], probers: readonly Prober[], transport: Transport, clock: Clock) {
    const [first] = deliveries;
    if (first === undefined) throw invalidOption("deliveries", "a list of at least one delivery", deliveries);
    this.#first = first;
    this.#deliveries = byKind("deliveries", deliveries);
    const own = deliveries.flatMap((delivery) => (delivery.prober === undefined ? [] : [delivery.prober]));
    // A prober given on its own replaces the one that a delivery of the same kind brings along.
    this.#probers = new Map([...byKind("deliveries", own), ...byKind("probers", probers)]);
    this.#transport = transport;
    this.#clock = clock;
  }

  /** @throws `unknown_delivery`, `invalid_address`, `address_denied` */
  bind(device: Device): Bound {
    const delivery = device.delivery === undefined ? this.#first : this.#deliveries.get(device.delivery);
    if (delivery === undefined) throw unknownKind("delivery", device.delivery, this.#deliveries, device.id);
    const kind = device.probe ?? delivery.prober?.kind;
    const prober = kind === undefined ? undefined : this.#probers.get(kind);
    if (kind !== undefined && prober === undefined) throw unknownKind("probe", kind, this.#probers, device.id);
    const context: DeliveryContext = {
      transport: this.#transport,
      origin: this.#transport.origin(device.address),
      clock: this.#clock,
      ...(device.profile !== undefined && { profile: device.profile }),
    };
    return { device, delivery, prober, context };
  }
}

/** What is used of a device is checked at the door, whoever hands it in. */
export function checkDevice(device: unknown): asserts device is Device {
  if (typeof device !== "object" || device === null)
    throw invalidOption("device", "an object with id and address, or a registered id", device);
  const { id, address } = device as Partial<Record<"id" | "address", unknown>>;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
  if (typeof id !== "string" || id.length === 0 || id.length > 256 || /[\u0000-\u001f\u007f]/.test(id)) {
    throw invalidOption("device.id", "1 to 256 printable characters", id);
  }
  if (typeof address !== "string") throw invalidOption("device.address", "an http or https address", address);
}

function byKind<T extends { readonly kind: string }>(name: string, items: readonly T[]): Map<string, T> {
  const found = new Map<string, T>();
  for (const item of items) {
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
