import type { Clock } from "../core/clock.ts";
import type { FlashwaveErrorCode } from "../core/errors.ts";

/**
 *     waiting ─▶ connecting ─▶ sending ─▶ answering
 *
 * Each stage has its own limit on standing still; the deadline is over all of them.
 */
export type Stage = "waiting" | "connecting" | "sending" | "answering";

/** Milliseconds. A connection that is waited for has no limit but the deadline. */
export type StageLimits = Readonly<Record<Exclude<Stage, "waiting">, number>>;

const verdicts = {
  connecting: "connect_timeout",
  sending: "stall_timeout",
  answering: "response_timeout",
} as const satisfies Record<Exclude<Stage, "waiting">, FlashwaveErrorCode>;

/** Moved since the last look: the next look sets the time, so that moving reads no clock. A limit acts late, never early. */
const moved = -1;

/** Where an exchange stands, since when, and whether that is too long. */
export class StageWatch {
  stage: Stage = "waiting";
  #since = moved;
  #deadline: number;
  #pacedSince = moved;

  constructor(deadline: number) {
    this.#deadline = deadline;
  }

  enter(stage: Stage): void {
    this.stage = stage;
    this.#since = moved;
  }

  move(): void {
    this.#since = moved;
  }

  /** Waiting for our own rate limit is nobody's fault: it stops every limit and is added to the deadline. */
  pace(waiting: boolean, clock: Clock): void {
    const now = clock.now();
    if (!waiting) this.#deadline += now - this.#pacedSince;
    this.#pacedSince = waiting ? now : moved;
    this.#since = moved;
  }

  verdict(now: number, limits: StageLimits): FlashwaveErrorCode | undefined {
    if (this.#pacedSince !== moved) return undefined;
    if (now >= this.#deadline) return "deadline_exceeded";
    if (this.#since === moved) this.#since = now;
    const { stage } = this;
    if (stage === "waiting" || now - this.#since < limits[stage]) return undefined;
    return verdicts[stage];
  }
}
