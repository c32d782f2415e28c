import { randomUUID } from "node:crypto";
import { EventEmitter } from "node:events";
import type { DeviceReport, SimulatedDeviceOptions, SimulatedHealth, Slot } from "./device-options.ts";
import { FaultQueue } from "./faults.ts";
import { Reception } from "./reception.ts";
import { type MutableCounters, type Received, type SeenRequest, zeroCounters } from "./records.ts";
import { realTime, type SimulatorClock } from "./time.ts";

/** `booted`: a restart is over, also one that took no time. `received`: a body has ended, whole or not. */
export interface SimulatedDeviceEvents {
  received: [Received];
  rebooting: [];
  booted: [];
}

/** Told when it restarts into a staged image: fall back by itself after so many milliseconds, Infinity for never. */
export interface SwitchOptions {
  readonly fallBackAfter?: number;
  /** Whether the image is on trial. @default what the device's options say */
  readonly trial?: boolean;
}

interface Image {
  readonly version: string;
  readonly digest?: string | undefined;
  readonly factory?: boolean;
}

/**
 * One device with two slots, and no socket. An image is written to the slot that does not run; a restart changes over;
 * a rollback is a restart into the other slot again.
 *
 *     running A ── stage ──▶ B staged ── switchOver ──▶ restart ──▶ running B, A previous
 *         ▲                                                           │ trial over, rollback
 *         └────────────────────────── restart ◀───────────────────────┘
 */
export class SimulatedDevice extends EventEmitter<SimulatedDeviceEvents> {
  readonly id: string;
  readonly options: SimulatedDeviceOptions;
  readonly faults: FaultQueue = new FaultQueue();
  /** The latest images it was sent and the latest requests it was asked, oldest first. */
  readonly received: Received[] = [];
  readonly requests: SeenRequest[] = [];
  health: SimulatedHealth;
  /** What it will claim to run once it has taken its next image over, instead of the truth. */
  claims: string | undefined;
  readonly #clock: SimulatorClock;
  #counters: MutableCounters = zeroCounters();
  #running: Image;
  #spare: { readonly image: Image; readonly is: "staged" | "previous" } | undefined;
  #slot: Slot = "A";
  #bootId: string = randomUUID();
  #bootedAt: number;
  #receiving = 0;
  #onTrial = false;
  #fallsBackAt: number | undefined;
  #rebooting: (() => void) | undefined;
  #fallBack: (() => void) | undefined;

  constructor(options: SimulatedDeviceOptions = {}) {
    super();
    const { id = "sim-001", version = "1.0.0", digest, health = "ok", clock = realTime, uptime = 0 } = options;
    this.options = options;
    this.id = id;
    this.health = health;
    this.#clock = clock;
    this.#bootedAt = clock.now() - uptime * 1_000;
    this.#running = { version, digest, factory: true };
  }

  get version(): string {
    return this.#running.version;
  }
  get digest(): string | undefined {
    return this.#running.digest;
  }
  get slot(): Slot {
    return this.#slot;
  }
  get bootId(): string {
    return this.#bootId;
  }
  /** Seconds since boot. */
  get uptime(): number {
    return Math.round(this.#clock.now() - this.#bootedAt) / 1000;
  }
  get rebooting(): boolean {
    return this.#rebooting !== undefined;
  }
  /** Whether what it runs will be rolled back unless committed. */
  get onTrial(): boolean {
    return this.#onTrial;
  }
  /** Milliseconds until it goes back by itself, where it would. */
  get trialLeft(): number | undefined {
    return this.#onTrial && this.#fallsBackAt !== undefined ? this.#fallsBackAt - this.#clock.now() : undefined;
  }
  /** Whether an image waits in the other slot for `switchOver`. */
  get staged(): boolean {
    return this.#spare?.is === "staged";
  }
  /** Whether `rollback` has something to go back to. */
  get revertible(): boolean {
    return this.#spare?.is === "previous";
  }
  get healthy(): boolean {
    return this.health === "ok" || (this.health === "failing-after-update" && this.#running.factory === true);
  }
  /** Live: the same object until `reset`. */
  get counters(): MutableCounters {
    return this.#counters;
  }

  /** What `GET /version` says now. */
  report(): DeviceReport {
    const { name = this.id, hardware = "sim-board-1", omits = [] } = this.options;
    const { id, version, slot, bootId, uptime, digest } = this;
    const all = { version, id, name, hardware, slot, bootId, uptime, ...(digest === undefined ? {} : { digest }) };
    return Object.fromEntries(Object.entries(all).filter(([key]) => !omits.some((o) => o === key))) as typeof all;
  }

  /** Notes a request that begins. */
  see(request: SeenRequest): void {
    this.#counters.requests[request.endpoint]++;
    this.#keep(this.requests, request);
  }

  /** Begins to take a body in. */
  receive(request: SeenRequest): Reception {
    const counters = this.#counters;
    counters.updatesAtOnce = Math.max(counters.updatesAtOnce, ++this.#receiving);
    return new Reception(request, counters, (received) => {
      this.#receiving--;
      if (received.complete) counters.completed++;
      if (received.firmware?.intact === false) counters.corrupt++;
      this.#keep(this.received, received);
      this.emit("received", received);
    });
  }

  /** Why this device would not install what it received; nothing when it would. */
  objection({ firmware }: Received): string | undefined {
    if (firmware && !firmware.intact) return "the image is corrupt";
    if (!firmware && this.options.accepts === "firmware") return "this is no firmware image";
    return undefined;
  }

  /** Writes a whole image to the other slot. `as` is what the device will claim to run instead of the truth. */
  stage(received: Received, as?: { readonly version: string; readonly digest?: string | undefined }): void {
    const { firmware, headers, sha256 } = received;
    const told = firmware?.version ?? this.options.versionFrom?.(received, headers) ?? headers["x-firmware-version"];
    const version = this.claims ?? as?.version ?? told ?? this.version;
    this.#spare = { image: { version, digest: as?.digest ?? sha256 }, is: "staged" };
  }

  /** Restarts into the staged image, on trial where the device has one. @returns false when nothing was staged. */
  switchOver({ fallBackAfter, trial = this.options.trial ?? false }: SwitchOptions = {}): boolean {
    if (!this.staged || this.rebooting) return false;
    const { trialMs = 60_000 } = this.options;
    this.#restart(() => {
      this.#swap();
      this.#onTrial = trial;
      const wait = fallBackAfter ?? (trial ? trialMs : undefined);
      if (wait === undefined || wait === Number.POSITIVE_INFINITY) return;
      this.#fallsBackAt = this.#clock.now() + wait;
      this.#fallBack = this.#clock.after(wait, () => this.rollback());
    });
    return true;
  }

  /** Makes what it runs permanent. @returns false when nothing was on trial. */
  commit(): boolean {
    if (!this.#onTrial) return false;
    this.#onTrial = false;
    this.#fallBack?.();
    return true;
  }

  /** Restarts into the image before this one. @returns false when there is none. */
  rollback(): boolean {
    if (!this.revertible || this.rebooting) return false;
    this.#counters.rollbacks++;
    this.#restart(() => {
      this.#swap();
      this.#spare = undefined;
    });
    return true;
  }

  /** Restarts into what it runs. */
  reboot(): void {
    if (!this.rebooting) this.#restart(() => {});
  }

  /** Forgets faults, counters and records; what it runs stays. */
  reset(): void {
    this.faults.clear();
    this.#counters = zeroCounters();
    this.received.length = 0;
    this.requests.length = 0;
  }

  /** Stops its timers. */
  [Symbol.dispose](): void {
    this.#rebooting?.();
    this.#fallBack?.();
    this.removeAllListeners();
  }

  #keep<T>(list: T[], item: T): void {
    list.push(item);
    if (list.length > (this.options.keep ?? 1000)) list.shift();
  }

  #swap(): void {
    const { image } = this.#spare ?? { image: this.#running };
    this.#spare = { image: this.#running, is: "previous" };
    this.#running = image;
    this.#slot = this.#slot === "A" ? "B" : "A";
  }

  #restart(intoWhat: () => void): void {
    const { rebootMs = 0 } = this.options;
    this.#fallBack?.();
    this.#fallsBackAt = undefined;
    this.#onTrial = false;
    const boot = () => {
      this.#rebooting = undefined;
      this.#bootId = randomUUID();
      this.#bootedAt = this.#clock.now();
      this.#counters.boots++;
      intoWhat();
      this.emit("booted");
    };
    if (rebootMs === 0) boot();
    else {
      this.#rebooting = this.#clock.after(rebootMs, boot);
      this.emit("rebooting");
    }
  }
}

/** One simulated device without a socket: its state and its memory. `startDeviceServer` gives it a listener. */
export function createSimulatedDevice(options: SimulatedDeviceOptions = {}): SimulatedDevice {
  return new SimulatedDevice(options);
}
