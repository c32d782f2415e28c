import { Buffer } from "node:buffer";
import type { InstallProgress } from "../../core/outcome.ts";
import { readJson } from "../shared/json.ts";
import { readPointer } from "../shared/json-pointer.ts";

/** What SWUpdate says that it is doing (its `RECOVERY_STATUS`), as far as it decides anything. */
const statuses = ["IDLE", "DOWNLOAD", "START", "RUN", "SUBPROCESS", "SUCCESS", "FAILURE", "DONE"] as const;
export type DeviceStatus = (typeof statuses)[number];

/**
 * One message of SWUpdate's websocket. Sources and `info` decide nothing: `info` may hold bytes of an earlier
 * update, and all of it is the device's own text.
 */
export type Frame =
  | { readonly type: "status"; readonly status: DeviceStatus }
  /** The installer has taken an upload on, before it has seen a byte of it. */
  | { readonly type: "taken-on" }
  /** How far its install is: told to whoever watches, and deciding nothing. */
  | ({ readonly type: "step" } & InstallProgress)
  /** What its log says; only errors (RFC 5424 level 3 and below) are kept. */
  | { readonly type: "complaint"; readonly text: string };

/** Its notification of that, the same in all versions that have a websocket. */
const takenOn = /^Software Update started/;
const worstLevel = /^[0-3]$/;
/** More than an error keeps of all of them. */
const longestComplaint = 1_024;

/** Nothing for what is no message, or one that decides nothing. */
export function readFrame(text: string): Frame | undefined {
  const json = readJson(Buffer.from(text));
  if ("problem" in json) return undefined;
  const field = (name: string) => readPointer(json.value, [name]);
  const status = statuses.find((known) => known === field("status"));
  if (field("type") === "status" && status !== undefined) return { type: "status", status };
  if (field("type") === "step") return stepOf(field("number"), field("step"), field("percent"));
  const [level, said] = [field("level"), field("text")];
  if (field("type") !== "message" || typeof said !== "string") return undefined;
  if (takenOn.test(said)) return { type: "taken-on" };
  if (!worstLevel.test(wordOf(level))) return undefined;
  return { type: "complaint", text: said.slice(0, longestComplaint) };
}

const mostSteps = 1_000;

/** Numbers as text, of an installer that counts from 1; nothing for what cannot be so. */
function stepOf(number: unknown, at: unknown, of: unknown): Frame | undefined {
  const [steps, step, percent] = [number, at, of].map((value) =>
    /^\d{1,4}$/.test(wordOf(value)) ? Number(value) : -1,
  );
  if (steps === undefined || step === undefined || percent === undefined) return undefined;
  if (step < 1 || step > steps || steps > mostSteps || percent < 0 || percent > 100) return undefined;
  return { type: "step", step, steps, percent };
}

/** `String` throws for an object that says it can be made text, and cannot. */
function wordOf(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}
