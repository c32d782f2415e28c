import type { Clock } from "../../core/clock.ts";
import type { Step } from "../../core/delivery.ts";
import { FlashwaveError } from "../../core/errors.ts";
import type { InstallProgress } from "../../core/outcome.ts";
import type { DeviceChannel } from "../../core/transport.ts";
import { readFrame } from "./frames.ts";
import { type Decision, decide, fold, initialState, type VerdictEvent, type VerdictState } from "./verdict.ts";

type Decided = Exclude<Decision, { readonly next: "wait" }>;

/** Made once: without one, each abort makes an error with a stack. */
const woken = "woken";
/** A deadline may lie further off than any timer reaches. */
const longestSleep = 60_000;

/** The fold at work: what the websocket and the upload tell goes in, and who waits for a decision is woken. */
export class Listener {
  readonly #clock: Clock;
  #state: VerdictState = initialState;
  #channel: DeviceChannel | undefined;
  /** Those who wait for the state to change. */
  readonly #waiting = new Set<() => void>();
  /** How far the install was last told to be: what goes back, or was told already, is passed over. */
  #told = 0;
  /** Whoever watches the step under way. */
  onInstalling: Step["onInstalling"];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get state(): VerdictState {
    return this.#state;
  }

  get open(): boolean {
    return this.#channel !== undefined;
  }

  /** Before a channel is opened: of what nobody listened to nothing is known. */
  forget(): void {
    this.#state = initialState;
  }

  /** For the channel's `onText`. What is no message of SWUpdate's is passed over: it says nothing of the update. */
  readonly onText = (text: string): void => {
    const frame = readFrame(text);
    if (frame?.type === "step") this.#tellStep(frame);
    else if (frame !== undefined) this.tell({ kind: "frame", frame, at: this.#clock.now() });
  };

  #tellStep({ step, steps, percent }: InstallProgress): void {
    const { stage, began } = this.#state;
    const at = step * 101 + percent;
    // Another's update, or one that is over, is none of ours.
    if (!began || this.#state.verdict !== undefined || stage === "idle" || at <= this.#told) return;
    this.#told = at;
    this.onInstalling?.({ step, steps, percent });
  }

  listen(channel: DeviceChannel): void {
    this.#channel = channel;
    void channel.closed.then(() => {
      if (this.#channel !== channel) return;
      this.#channel = undefined;
      this.tell({ kind: "channel-lost" });
    });
  }

  tell(event: VerdictEvent): void {
    if (event.kind === "sending") this.#told = 0;
    this.#state = fold(this.#state, event);
    for (const wake of this.#waiting) wake();
  }

  /**
   * Waits until there is something to do, or the step's deadline passes: then `late`.
   * @throws `aborted` with the step's signal
   */
  async decision({ deadline, signal }: Step): Promise<Decided | { readonly next: "late" }> {
    for (;;) {
      const now = this.#clock.now();
      const decision = decide(this.#state, now);
      // The signal closes the channel too, and then that is no news.
      if (signal?.aborted && (decision.next === "wait" || decision.next === "lost")) throw aborted(signal);
      if (decision.next !== "wait") return decision;
      if (now >= deadline) return { next: "late" };
      const until = Math.min(deadline, decision.until ?? deadline, now + longestSleep);
      await this.#changedOr(until - now, signal);
    }
  }

  /** Waits until the device has taken the upload on, or its connection has told otherwise, but no longer than `ms`. */
  async takenOn(ms: number): Promise<void> {
    const until = this.#clock.now() + ms;
    for (;;) {
      const { began, takenOn, stage } = this.#state;
      const left = until - this.#clock.now();
      if (began || takenOn || stage !== "sending" || left <= 0) return;
      await this.#changedOr(left, undefined);
    }
  }

  async #changedOr(ms: number, signal: AbortSignal | undefined): Promise<void> {
    const waking = new AbortController();
    const wake = () => waking.abort(woken);
    this.#waiting.add(wake);
    signal?.addEventListener("abort", wake);
    // Whatever ends the sleep, the state is looked at again.
    await this.#clock.sleep(ms, waking.signal).catch(() => undefined);
    signal?.removeEventListener("abort", wake);
    this.#waiting.delete(wake);
  }

  close(): void {
    const channel = this.#channel;
    this.#channel = undefined;
    channel?.close();
  }
}

function aborted({ reason }: AbortSignal): FlashwaveError {
  const message = "The caller's signal aborted while the device's verdict was awaited.";
  return new FlashwaveError("aborted", message, { phase: "settle", bytesOut: "all", cause: reason });
}
