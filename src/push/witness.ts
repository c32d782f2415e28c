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
  /** Whether something was taken back already: then nothing is held any more. */
  #tookBack = false;

  constructor(work: Pick<Work, "id" | "emit" | "options">, registry: ClientRegistry | undefined) {
    this.#work = work;
    this.#registry = registry;
  }

  /** The probe, whose last answer is remembered from here on; what another device answers says nothing of this one. */
  watching(probe: Probe): Probe {
    const health = probe.health?.bind(probe);
    return {
      proves: probe.proves,
      inspect: async (step) => {
        const state = await probe.inspect(step);
        if (state.deviceId === undefined || state.deviceId === this.#work.id) this.#last = state;
        return state;
      },
      ...(health && { health }),
    };
  }

  /**
   * Hands the outcome on once the registry has what was seen; a registry that fails leaves it unknown to the fleet.
   *
   * @param held what an earlier verification proved, as far as the registry knows
   */
  async recorded(outcome: DeviceOutcome, held: Evidence | undefined): Promise<DeviceOutcome> {
    const read = this.#last;
    if (read === undefined) return outcome;
    const seen = this.#seen(outcome, read, held);
    try {
      await this.#observe(seen);
      return outcome;
    } catch (cause) {
      throw unrecorded(outcome, cause);
    }
  }

  /** A new proof takes the place of what is held; without one, what is held stands unless the last read speaks against it. */
  #seen(outcome: DeviceOutcome, read: DeviceState, held: Evidence | undefined): Observation {
    const { id } = this.#work;
    const seen = { id, seenAt: read.readAt, status: "online", firmware: read.version } as const;
    if (outcome.status === "updated") return { ...seen, evidence: outcome.evidence };
    if (held === undefined || this.#tookBack || !this.#contradicts(read, held)) return seen;
    this.#tellRetracted(held, read);
    return withdrawal(id, held, read);
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
    if (state === undefined || evidence === undefined || !this.#contradicts(state, evidence)) return;
    this.#tellRetracted(evidence, state);
    try {
      await this.#observe(withdrawal(this.#work.id, evidence, state));
    } catch (cause) {
      throw notWithdrawn(evidence, state, cause);
    }
  }

  #contradicts(state: DeviceState, evidence: Evidence): boolean {
    return contradicts(state, evidence, this.#work.options.versions);
  }

  #tellRetracted(evidence: Evidence, state: DeviceState): void {
    const { id, emit } = this.#work;
    this.#tookBack = true;
    emit?.({ type: "retracted", device: id, evidence, state });
  }

  async #observe(seen: Observation): Promise<void> {
    // A device that was handed in rather than looked up need not be registered: then nothing is kept of it.
    const result = await this.#registry?.devices.observe([seen]);
    if (result !== undefined && result.invalid.length > 0)
      throw new TypeError("the registry refused the observation as invalid");
  }
}
