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

/** What was seen of an exchange that took too long. `status` is that of the answer, 0 when none had begun. */
export function overdue(
  code: FlashwaveErrorCode,
  seen: { readonly origin: string; readonly stage: Stage; readonly limits: StageLimits; readonly status: number },
): string {
  const { origin, stage, limits, status } = seen;
  switch (code) {
    case "deadline_exceeded":
      return `The exchange with ${origin} took longer than it was given; it was ${stage}.`;
    case "connect_timeout":
      return `No connection to ${origin} within ${limits.connecting} ms; nothing was sent. Check that the device is on, its address and port, and whether it speaks http or https.`;
    case "stall_timeout":
      return `${origin} took no byte of the request for ${limits.sending} ms.`;
    default:
      return `${origin} ${status === 0 ? "did not answer" : "sent nothing more of its answer"} for ${limits.answering} ms.`;
  }
}
