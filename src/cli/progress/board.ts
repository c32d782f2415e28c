import type { ClientEvent, Clock, Progress } from "../../core/index.ts";
import { type Result, Tally } from "../results.ts";

/** What one device is doing, as far as it has told. */
export interface Row {
  readonly device: string;
  readonly doing: "sending" | "waiting" | "installing" | "reading";
  readonly attempt: number;
  readonly sent: number;
  readonly total: number;
  /** The version it last reported, how far its install is, or the code of the last fault. */
  readonly note: string;
}

/** What is known of a run at one moment. */
export interface Snapshot {
  readonly rows: readonly Row[];
  readonly tally: Tally;
  /** Devices in all. */
  readonly devices: number;
  /** Milliseconds since the beginning. */
  readonly elapsed: number;
  /** Payload bytes that sockets have accepted, in all attempts of all devices. */
  readonly bytes: number;
  /** Bytes per second over the last three seconds. */
  readonly rate: number;
}

const windowMs = 3_000;

/** Keeps account of a run from what the client tells. It draws nothing. */
export class Board {
  readonly tally: Tally = new Tally();
  readonly #rows = new Map<string, Row>();
  readonly #devices: number;
  readonly #clock: Pick<Clock, "now">;
  readonly #begun: number;
  #samples: { readonly at: number; readonly bytes: number }[];
  #bytes = 0;
  #sending = new Set<string>();
  #sendingSince = 0;
  #sendingMs = 0;

  constructor(devices: number, clock: Pick<Clock, "now">) {
    this.#devices = devices;
    this.#clock = clock;
    this.#begun = clock.now();
    // Without a beginning the first of the sparse lines would have nothing to take a rate from.
    this.#samples = [{ at: this.#begun, bytes: 0 }];
  }

  get bytes(): number {
    return this.#bytes;
  }

  get elapsed(): number {
    return this.#clock.now() - this.#begun;
  }

  /** Milliseconds during which at least one device was being sent to. */
  get sendingMs(): number {
    return this.#sendingMs + (this.#sending.size > 0 ? this.#clock.now() - this.#sendingSince : 0);
  }

  onEvent(event: ClientEvent): void {
    const { device } = event;
    // The receipt is told only after an activation: whoever is read is no longer sent to.
    if (event.type !== "attempt-started" && event.type !== "installing") this.#sendEnded(device);
    switch (event.type) {
      case "attempt-started":
        if (this.#sending.size === 0) this.#sendingSince = this.#clock.now();
        this.#sending.add(device);
        this.#set(device, { doing: "sending", attempt: event.attempt, sent: 0, note: "" });
        break;
      case "attempt-failed":
        this.#set(device, { doing: event.next === "retry" ? "waiting" : "reading", note: event.error.code });
        break;
      case "installing": {
        const { step, steps, percent } = event;
        // Some install what they are sent while they are sent it.
        const doing = this.#sending.has(device) ? "sending" : "installing";
        this.#set(device, { doing, note: `installs ${steps > 1 ? `step ${step} of ${steps}, ` : ""}${percent} %` });
        break;
      }
      case "sent":
        this.#set(device, { doing: "reading" });
        break;
      case "read":
        this.#set(device, { doing: "reading", note: event.error?.code ?? `reports ${event.state?.version}` });
        break;
      default:
    }
  }

  onProgress({ device, attempt, sent, total }: Progress): void {
    const before = this.#rows.get(device);
    this.#bytes += before?.attempt === attempt ? Math.max(0, sent - before.sent) : sent;
    this.#set(device, { attempt, sent, total });
  }

  reading(device: string): void {
    this.#set(device, { doing: "reading" });
  }

  ended(result: Pick<Result, "device" | "status">): void {
    this.#sendEnded(result.device);
    this.#rows.delete(result.device);
    this.tally.add(result);
  }

  snapshot(): Snapshot {
    const at = this.#clock.now();
    this.#samples.push({ at, bytes: this.#bytes });
    while (this.#samples.length > 2 && (this.#samples[1]?.at ?? at) <= at - windowMs) this.#samples.shift();
    const [oldest = { at, bytes: this.#bytes }] = this.#samples;
    const rate = at > oldest.at ? ((this.#bytes - oldest.bytes) / (at - oldest.at)) * 1_000 : 0;
    const { tally, elapsed } = this;
    return { rows: [...this.#rows.values()], tally, devices: this.#devices, elapsed, bytes: this.#bytes, rate };
  }

  #sendEnded(device: string): void {
    if (!this.#sending.delete(device) || this.#sending.size > 0) return;
    this.#sendingMs += this.#clock.now() - this.#sendingSince;
  }

  #set(device: string, change: Partial<Row>): void {
    const before = this.#rows.get(device) ?? { device, doing: "sending", attempt: 1, sent: 0, total: 0, note: "" };
    this.#rows.set(device, { ...before, ...change });
  }
}
