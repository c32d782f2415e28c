import type { Probe } from "../core/delivery.ts";
import type { DeviceOutcome, DeviceState, Evidence } from "../core/outcome.ts";
import type { Observation } from "../core/registry.ts";
import { notWitnessed, unrecorded } from "./faults.ts";
import type { ClientRegistry } from "./options.ts";
import { contradicts, notWithdrawn, withdrawal } from "./retraction.ts";
import type { Work } from "./work.ts";

/** What one call sees of its device, told to the registry: proofs, and what takes an earlier proof back. */
export class Witness {
  readonly #work: Pick<Work, "id" | "emit" | "options">;
  readonly #registry: ClientRegistry | undefined;
  #last: DeviceState | undefined;

  constructor(work: Pick<Work, "id" | "emit" | "options">, registry: ClientRegistry | undefined) {
    this.#work = work;
    this.#registry = registry;
  }

  /** The probe, whose last answer is remembered from here on. */
  watching(probe: Probe): Probe {
    const health = probe.health?.bind(probe);
    return {
      proves: probe.proves,
      inspect: async (step) => {
        this.#last = await probe.inspect(step);
        return this.#last;
      },
      ...(health && { health }),
    };
  }

  /** Hands the outcome on once the registry has what was seen; a registry that fails leaves it unknown to the fleet. */
  async recorded(outcome: DeviceOutcome): Promise<DeviceOutcome> {
    const read = this.#last;
    if (this.#registry === undefined || read === undefined) return outcome;
    const seen = { id: this.#work.id, seenAt: read.readAt, status: "online", firmware: read.version } as const;
    try {
      await this.#observe(outcome.status === "updated" ? { ...seen, evidence: outcome.evidence } : seen);
      return outcome;
    } catch (cause) {
      throw unrecorded(outcome, cause);
    }
  }

  /**
   * Has the registry keep what a verification outside of an update proved.
   * @throws `registry_failed`
   */
  async proved(evidence: Evidence): Promise<void> {
    const { version, lastSeenAt } = evidence;
    try {
      await this.#observe({ id: this.#work.id, seenAt: lastSeenAt, status: "online", firmware: version, evidence });
    } catch (cause) {
      throw notWitnessed(evidence, cause);
    }
  }

  /**
   * Takes back what was proven earlier where a later read, the last one watched unless given, shows something else: tells
   * it, and has the registry forget it.
   * @throws `registry_failed`
   */
  async holdAgainst(evidence: Evidence | undefined, state: DeviceState | undefined = this.#last): Promise<void> {
    const { id, options, emit } = this.#work;
    if (state === undefined || evidence === undefined || !contradicts(state, evidence, options.versions)) return;
    emit?.({ type: "retracted", device: id, evidence, state });
    try {
      await this.#observe(withdrawal(id, evidence, state));
    } catch (cause) {
      throw notWithdrawn(evidence, state, cause);
    }
  }

  async #observe(seen: Observation): Promise<void> {
    // A device that was handed in rather than looked up need not be registered: then nothing is kept of it.
    const result = await this.#registry?.devices.observe([seen]);
    if (result !== undefined && result.invalid.length > 0)
      throw new TypeError("the registry refused the observation as invalid");
  }
}
