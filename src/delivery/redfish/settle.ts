import type { Clock } from "../../core/clock.ts";
import type { Step } from "../../core/delivery.ts";
import { FlashwaveError, type FlashwaveErrorCode, isFlashwaveError } from "../../core/errors.ts";
import type { ExchangeReply } from "../../core/transport.ts";
import { readJson } from "../shared/json.ts";
import { parseRetryAfter } from "../shared/retry-after.ts";
import type { Service } from "./service.ts";
import { beginning, fold, type Look, readError, readTask, type Verdict } from "./task.ts";

/** Where an update can be followed. */
export interface Followed {
  readonly monitor: string | undefined;
  readonly task: string | undefined;
  /** What the answer to the push told already. */
  readonly first: TimedLook | undefined;
}

/** A look, and how long the device asks to be left alone after it, in milliseconds. */
export interface TimedLook {
  readonly look: Look;
  readonly wait?: number | undefined;
}

const firstPause = 250;
const longestPause = 10_000;
/** The longest that a device is left alone because it asks for it. */
const longestWait = 60_000;

/** These end the work, or say that this is not the device. After all others it may be restarting: it is to be read. */
const standing: ReadonlySet<FlashwaveErrorCode> = new Set([
  "aborted",
  "client_closed",
  "address_denied",
  "tls_failed",
  "pin_mismatch",
  "credentials_failed",
]);

export function lookAt(reply: ExchangeReply, clock: Clock): TimedLook {
  const json = readJson(reply.body);
  const told = "value" in json ? { task: readTask(json.value), error: readError(json.value) } : undefined;
  const garbage = told === undefined && reply.body.byteLength > 0;
  return {
    look: { kind: "reply", status: reply.status, ...told, garbage },
    wait: parseRetryAfter(reply.headers.get("retry-after"), clock.wall()),
  };
}

/**
 * Looks until the task has ended, its end can no longer be had, or the step's deadline passes.
 *
 *     202 → wait → monitor … → 2xx → Task, once → installed | staged | failed ;  404, refused → lost
 *
 * @throws `device_error` for a task that failed, `deadline_exceeded` for one that does not end
 */
export async function follow(
  service: Service,
  { monitor, task, first }: Followed,
  staged: boolean,
  step: Step,
): Promise<"installed" | "staged" | "lost"> {
  const { clock } = service.bound.context;
  const polled = monitor ?? task;
  const expected = { staged, task: monitor !== undefined && task !== undefined };
  let watch = beginning;
  let timed = first;
  let verdict: Verdict = { kind: "poll" };
  let pause = firstPause;
  for (;;) {
    if (timed !== undefined) [watch, verdict] = fold(watch, timed.look, expected);
    if (verdict.kind === "failed") throw failed(verdict, service.bound.device.id);
    if (verdict.kind !== "poll" && verdict.kind !== "ask-task") return verdict.kind;
    if (polled === undefined) return "lost";
    const asksTask = verdict.kind === "ask-task";
    // A receipt from elsewhere has waited long enough.
    if (timed !== undefined && !asksTask) {
      await sleep(service, clamp(timed.wait || pause), step);
      pause = Math.min(longestPause, pause * 2);
    }
    timed = await look(service, asksTask && task !== undefined ? task : polled, step, clock);
  }
}

const clamp = (ms: number): number => Math.min(longestWait, ms);

async function look(service: Service, path: string, step: Step, clock: Clock): Promise<TimedLook> {
  try {
    return await service.exchange({ method: "GET", path }, step, "settle", (reply) => lookAt(reply, clock));
  } catch (error) {
    if (!isFlashwaveError(error)) throw error;
    if (error.code === "deadline_exceeded") throw endless(service.bound.device.id, error);
    if (standing.has(error.code)) throw error;
    return { look: { kind: "fault", code: error.code } };
  }
}

/** Until the next look; never beyond the step's end. */
async function sleep(service: Service, ms: number, { deadline, signal }: Step): Promise<void> {
  const { context, device } = service.bound;
  const left = deadline - context.clock.now();
  if (left <= 0) throw endless(device.id);
  const { closing } = context;
  const end = AbortSignal.any([signal, closing].filter((given) => given !== undefined));
  try {
    await context.clock.sleep(Math.min(ms, left), end);
  } catch (cause) {
    if (!end.aborted) throw cause;
    const code = signal?.aborted ? "aborted" : "client_closed";
    const who = signal?.aborted ? "The caller's signal aborted" : "The client was closed";
    const message = `${who} while the device's task was under way. The device goes on by itself; read it.`;
    throw new FlashwaveError(code, message, { phase: "settle", bytesOut: "all", device: device.id, cause });
  }
  if (ms > left) throw endless(device.id);
}

function endless(device: string, cause?: unknown): FlashwaveError {
  const message =
    "The device's task had not ended by the deadline. It may go on: read the device before sending again.";
  return new FlashwaveError("deadline_exceeded", message, { phase: "settle", bytesOut: "all", device, cause });
}

function failed({ how, messages }: Extract<Verdict, { kind: "failed" }>, device: string): FlashwaveError {
  const ids = messages.length > 0 ? ` (${messages.join(", ")})` : "";
  const message = `The device took the image, but its task ended ${how}${ids}. Read its log before sending again.`;
  return new FlashwaveError("device_error", message, { phase: "settle", bytesOut: "all", device });
}
