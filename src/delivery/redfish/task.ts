import type { FlashwaveErrorCode } from "../../core/errors.ts";
import type { JsonValue } from "../shared/json.ts";
import { type Resource, textAt, valueAt } from "./resource.ts";

/** What a Task resource (DSP8010 Task) tells, as far as it is looked at. */
export interface TaskReading {
  readonly state: string;
  readonly status: string | undefined;
  /** Message ids, such as `Update.1.0.ApplyFailed`: at most five, each a short word. */
  readonly messages: readonly string[];
}

/** One look at an update's task monitor, or at its Task. */
export type Look =
  | {
      readonly kind: "reply";
      readonly status: number;
      readonly task?: TaskReading | undefined;
      /** Message ids of an error (DSP0266 §8.6), where the body is one. */
      readonly error?: readonly string[] | undefined;
      /** The body is neither empty nor JSON: something else than the service answered. */
      readonly garbage?: boolean;
    }
  | { readonly kind: "fault"; readonly code: FlashwaveErrorCode };

/** What is known before the first look. */
export interface Expected {
  /** The image was to be installed later. */
  readonly staged: boolean;
  /** The Task's own path is known, beside the monitor's. */
  readonly task: boolean;
}

export interface Watch {
  /** The monitor said that it is over, without saying how. */
  readonly over: boolean;
  /** Looks in a row that told nothing. */
  readonly troubled: number;
}

export const beginning: Watch = Object.freeze({ over: false, troubled: 0 });

export type Verdict =
  | { readonly kind: "poll" }
  /** The monitor is done; how it ended stands in the Task. */
  | { readonly kind: "ask-task" }
  | { readonly kind: "installed" | "staged" | "lost" }
  | { readonly kind: "failed"; readonly how: string; readonly messages: readonly string[] };

const poll: Verdict = { kind: "poll" };
const lost: Verdict = { kind: "lost" };
const mostTroubled = 5;

/**
 * Pure: what a look adds up to. A monitor (DSP0266 §12.2) answers 202 while the task runs and then the operation's own
 * answer; some answer it once and 404 ever after, some forget it in a restart. Whatever is not told clearly is `lost`:
 * then the version that the device reports decides.
 */
export function fold(watch: Watch, look: Look, expected: Expected): readonly [Watch, Verdict] {
  const ended: Verdict = { kind: expected.staged ? "staged" : "installed" };
  if (look.kind === "fault") return [watch, watch.over ? ended : lost];
  const { status, task, error = [] } = look;
  if (status >= 200 && status < 300) {
    if (look.garbage) return [watch, watch.over ? ended : lost];
    if (task !== undefined) return [{ ...watch, troubled: 0 }, judge(task, watch.over, expected, ended)];
    if (status === 202) return [{ ...watch, troubled: 0 }, poll];
    return [{ ...watch, over: true }, expected.task && !watch.over ? { kind: "ask-task" } : ended];
  }
  if (watch.over) return [watch, ended];
  if (status === 408 || status === 429 || status === 503) return [watch, poll];
  if (gone.has(status) || status < 400) return [watch, lost];
  if (status < 500 || error.length > 0) {
    return [watch, { kind: "failed", how: `with ${status}`, messages: error }];
  }
  const troubled = watch.troubled + 1;
  return [{ ...watch, troubled }, troubled < mostTroubled ? poll : lost];
}

/** The monitor has expired, the task went with a restart, or the login did: nothing that says no. */
const gone: ReadonlySet<number> = new Set([401, 403, 404, 410]);
const failures: ReadonlySet<string> = new Set(["Exception", "Killed", "Cancelled"]);

function judge(task: TaskReading, over: boolean, expected: Expected, ended: Verdict): Verdict {
  const { state, status, messages } = task;
  if (failures.has(state)) return { kind: "failed", how: `as ${state}`, messages };
  if (state === "Completed") {
    if (status === "Critical") return { kind: "failed", how: "as Completed, but Critical", messages };
    return messages.some((id) => awaiting.test(id)) ? { kind: "staged" } : ended;
  }
  // A Task that still runs after its monitor's end is one that nobody brings up to date.
  if (over || (state === "Pending" && expected.staged)) return ended;
  return poll;
}

/** Update and Base message registries (DSP8011): the image waits for an activation or a restart. */
const awaiting = /^(?:Update\.[\d.]+\.(?:AwaitToActivate|AwaitToUpdate)|Base\.[\d.]+\.ResetRequired)$/;
const messageId = /^[A-Za-z][\w.]{0,127}$/;
const mostMessages = 5;

/** A Task, where the body is one. */
export function readTask(body: Resource): TaskReading | undefined {
  const state = textAt(body, "/TaskState");
  if (state === undefined) return undefined;
  return { state, status: textAt(body, "/TaskStatus"), messages: messageIds(valueAt(body, "/Messages")) };
}

/** The message ids of an error body; nothing where it is none. */
export function readError(body: Resource): readonly string[] | undefined {
  const messages = valueAt(body, "/error/@Message.ExtendedInfo");
  return messages === undefined ? undefined : messageIds(messages);
}

function messageIds(messages: JsonValue | undefined): readonly string[] {
  if (!Array.isArray(messages)) return [];
  // The last ones say how it ended.
  return (messages as readonly JsonValue[])
    .map((message) => textAt(message, "/MessageId"))
    .filter((id) => id !== undefined && messageId.test(id))
    .slice(-mostMessages) as readonly string[];
}
