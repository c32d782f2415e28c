import { randomUUID } from "node:crypto";
import type { Device, Observation, Registry, ReportBody } from "../../core/index.ts";
import type { ClientRegistry } from "../../push/index.ts";
import type { Result } from "../results.ts";

/**
 * Keeps in a store what a command saw of the devices that come from it: what was read and proven, and how a delivery
 * ended. What is typed by address is kept out, though it be called like one of them: it may be another device.
 */
export class Recorder {
  readonly #registry: Registry;
  readonly #ids: ReadonlySet<string>;
  readonly #writes = new Set<Promise<unknown>>();
  #failure: { readonly error: unknown } | undefined;

  constructor(registry: Registry, stored: readonly Device[]) {
    this.#registry = registry;
    this.#ids = new Set(stored.map(({ id }) => id));
  }

  /** What the client may look up and record by itself: the evidence of an update. */
  get forClient(): ClientRegistry {
    const { devices, profiles } = this.#registry;
    return {
      devices: {
        getMany: (ids, options) =>
          devices.getMany(
            ids.filter((id) => this.#ids.has(id)),
            options,
          ),
        observe: (rows, options) =>
          devices.observe(
            rows.filter(({ id }) => this.#ids.has(id)),
            options,
          ),
      },
      profiles,
    };
  }

  add(result: Result): void {
    const { device } = result;
    if (!this.#ids.has(device)) return;
    const seen = seenOf(result);
    if (seen !== undefined) this.#write(this.#registry.devices.observe([{ id: device, ...seen }]));
    if ("attempts" in result) {
      const body = JSON.parse(JSON.stringify(result)) as ReportBody;
      this.#write(this.#registry.reports.append([{ id: randomUUID(), device, kind: "delivery", body }]));
    }
  }

  /** Waits until all is kept. @throws what the store threw first */
  async settled(): Promise<void> {
    await Promise.all(this.#writes);
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  #write(write: Promise<unknown>): void {
    const kept = write.then(
      () => void this.#writes.delete(kept),
      (error: unknown) => {
        this.#failure ??= { error };
        this.#writes.delete(kept);
      },
    );
    this.#writes.add(kept);
  }
}

/** What a command saw that the client itself does not record. A device that was not reached was not seen. */
function seenOf(result: Result): Omit<Observation, "id"> | undefined {
  if (result.status === "read") {
    const { readAt: seenAt, version: firmware } = result.state;
    return { seenAt, firmware, status: "online" };
  }
  if (result.status !== "verified") return undefined;
  const { evidence } = result;
  return { seenAt: evidence.lastSeenAt, firmware: evidence.version, status: "online", evidence };
}
