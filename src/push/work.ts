import { combinePaces, createPace } from "../bytes/index.ts";
import type { Artifact } from "../core/artifact.ts";
import type { Clock } from "../core/clock.ts";
import type { DeliveryContext, DeliverySession, Probe, Prober, Step } from "../core/delivery.ts";
import type { Device } from "../core/device.ts";
import { isFlashwaveError } from "../core/errors.ts";
import type { DeviceState, Evidence, Receipt } from "../core/outcome.ts";
import type { Profile } from "../core/profile.ts";
import type { Pace, Transport } from "../core/transport.ts";
import { Attempts } from "./attempts.ts";
import type { Since } from "./boot.ts";
import { askCredentials, once } from "./credentials.ts";
import type { Expectation } from "./evidence.ts";
import { ofRead } from "./faults.ts";
import type { PushOptions, ResolvedOptions } from "./options.ts";
import type { Trail } from "./record/trail.ts";
import { evidenceHeld } from "./retraction.ts";
import { backoff, decideRead, isFinal } from "./retry-policy.ts";
import type { Route } from "./routes.ts";
import { referencedCredentials } from "./secret-references.ts";
import type { Shared } from "./shared.ts";
import { budgetSpent, type Site } from "./site/site.ts";
import { type VerificationOptions, type VerificationRun, verification } from "./verification.ts";
import type { Waiting } from "./waiting.ts";
import { Witness } from "./witness.ts";

/** Where a client was told nothing of credentials. */
const byReference = referencedCredentials();

/** The steps that `push`, `verify` and `update` are made of, for one device and one call; what an adapter is bound with. */
export class Work implements DeliveryContext {
  readonly device: Device;
  /** The device's, as it was at the start: the caller's object may change meanwhile. */
  readonly id: string;
  readonly origin: string;
  /** Absent for a device that names none. */
  readonly site: Site | undefined;
  readonly verification: VerificationOptions;
  readonly signal: AbortSignal | undefined;
  readonly #route: Route;
  readonly #shared: Shared;
  #probe: Probe | undefined;
  #witness: Witness | undefined;
  #trail: Trail | undefined;
  /** What was read before the send, and when on the monotonic clock. */
  #first: { readonly state: DeviceState; readonly at: number } | undefined;

  constructor(device: Device, shared: Shared, signal: AbortSignal | undefined, verification: VerificationOptions) {
    this.device = device;
    this.id = device.id;
    this.origin = shared.transport.origin(device.address);
    this.site = shared.sites.of(device.site);
    this.verification = verification;
    this.signal = signal;
    this.#route = shared.routes.of(device);
    this.#shared = shared;
  }

  /** Keeps a record of what this one does, from here on. */
  set trail(trail: Trail) {
    this.#trail = trail;
    trail.about(this);
  }

  get transport(): Transport {
    const { transport } = this.#shared;
    return this.#trail === undefined ? transport : this.#trail.watching(transport);
  }

  get clock(): Clock {
    return this.#shared.options.clock;
  }

  get closing(): AbortSignal {
    return this.#shared.closing;
  }

  get profile(): Profile | undefined {
    return this.device.profile;
  }

  /** Asked for once, whoever asks: delivery and probe are shown the same. */
  get credentials(): DeliveryContext["credentials"] {
    const ask = this.#shared.credentials ?? (this.device.credentials && byReference);
    if (ask === undefined) return undefined;
    const { device, id, signal, waiting } = this;
    return () => once(this, () => waiting.until(askCredentials(ask, device), "prepare", id, signal));
  }

  get options(): ResolvedOptions {
    return this.#shared.options;
  }

  get waiting(): Waiting {
    return this.#shared.waiting;
  }

  get emit(): Shared["emit"] {
    return this.#trail === undefined ? this.#shared.emit : telling(this.#trail, this.#shared.emit);
  }

  get admission(): Shared["admission"] {
    return this.#shared.admission;
  }

  get delivery(): string {
    return this.#route.delivery.kind;
  }

  /** Bound when it is first asked for: a push that goes well reads nothing. */
  get probe(): Probe | undefined {
    const { prober } = this.#route;
    if (this.#probe === undefined && prober !== undefined) {
      const probe = bound(prober, this);
      const watched = this.#shared.registry !== undefined || evidenceHeld(this.device) !== undefined;
      this.#probe = watched && probe !== undefined ? this.witness.watching(probe) : probe;
    }
    return this.#probe;
  }

  /** Made when it is first asked for: a push remembers nothing. */
  get witness(): Witness {
    this.#witness ??= new Witness(this, this.#shared.registry);
    return this.#witness;
  }

  nextPushId(): string {
    return this.#shared.nextPushId();
  }

  /** Milliseconds that one small request may take. */
  get readTimeout(): number {
    return this.options.connect + this.options.response;
  }

  open(): DeliverySession {
    return this.#route.delivery.bind(this.device, this);
  }

  step(ms: number): Step {
    return { deadline: this.clock.now() + ms, signal: this.signal };
  }

  /** Nothing where nobody observes. */
  get onInstalling(): Step["onInstalling"] {
    const { emit } = this;
    return emit && installing(emit, this.id);
  }

  expectation(artifact: Artifact, since: Since | undefined): Expectation {
    const { newBoot, stableFor } = this.verification;
    const { versions } = this.options;
    const expected = { device: this.id, artifact: artifact.ref, versions, newBoot, stableFor };
    if (since === undefined) return expected;
    const { startedAt, before } = since;
    const beforeAt = before !== undefined && before === this.#first?.state ? this.#first.at : undefined;
    return { ...expected, since: { startedAt, before, beforeAt } };
  }

  /**
   * What reads prove must be an answer to them: they go out on a connection of their own, so that an answer too many to
   * what was sent before, an upload most of all, is never taken for theirs.
   */
  verificationRun(probe: Probe, expected: Expectation): VerificationRun {
    const { options, readTimeout, waiting, emit, signal } = this;
    this.#shared.transport.release(this.origin, this.device.pins);
    return {
      probe,
      expected,
      deadline: this.verification.deadline,
      readTimeout,
      clock: options.clock,
      waiting,
      emit,
      signal,
    };
  }

  /** A read that may be repeated like a send that never left: reading changes nothing. */
  async inspectPatiently(probe: Probe): Promise<DeviceState> {
    const { retry, random } = this.options;
    for (let attempt = 1; ; attempt++) {
      try {
        const state = await this.#inspect(probe);
        this.#first = { state, at: this.clock.now() };
        return state;
      } catch (error) {
        if (!isFlashwaveError(error)) throw error;
        const decision = decideRead(error);
        if (isFinal(decision) || attempt >= retry.attempts) throw ofRead(error, this.id);
        if (this.site?.pays(error) === false) throw ofRead(budgetSpent(error, this.site.name), this.id);
        const delay = backoff(attempt, decision, error, retry, random);
        await this.waiting.sleep(delay, "inspect", this.device.id, this.signal);
      }
    }
  }

  #inspect(probe: Probe): Promise<DeviceState> {
    const inspect = () => probe.inspect(this.step(this.readTimeout));
    return this.site === undefined ? inspect() : this.site.run(inspect, false, this.id, this.signal);
  }

  /** The client's rate limit, and the call's own within it. */
  paceFor({ bytesPerSecond }: PushOptions): Pace | undefined {
    const { pace } = this.#shared;
    if (bytesPerSecond === undefined) return pace;
    return combinePaces(pace, createPace({ bytesPerSecond, clock: this.options.clock }));
  }

  async send(
    session: DeliverySession,
    artifact: Artifact,
    options: PushOptions,
    before: DeviceState,
  ): Promise<Receipt> {
    const attempts = new Attempts(this, session, artifact, options, before);
    try {
      return attempts.receipt(await attempts.send());
    } catch (thrown) {
      return attempts.recover(thrown);
    }
  }

  async verify(probe: Probe, artifact: Artifact, since: Receipt | undefined): Promise<Evidence> {
    const evidence = await verification(this.verificationRun(probe, this.expectation(artifact, since)));
    this.emit?.({ type: "verified", device: this.device.id, evidence });
    return evidence;
  }
}

/** A profile may say that its device cannot be read; in the middle of a push that must not pass for the push's own end. */
function bound(prober: Prober, work: Work): Probe | undefined {
  try {
    return prober.bind(work.device, work);
  } catch (error) {
    if (isFlashwaveError(error) && error.code === "no_probe") return undefined;
    throw error;
  }
}

type Emit = NonNullable<Shared["emit"]>;

// Functions of their own: a getter that makes a closure takes memory for what that holds, made or not, at every push.

function telling(trail: Trail, emit: Shared["emit"]): Emit {
  return (event) => {
    trail.see(event);
    emit?.(event);
  };
}

function installing(emit: Emit, device: string): NonNullable<Step["onInstalling"]> {
  return (progress) => emit({ type: "installing", device, ...progress });
}
