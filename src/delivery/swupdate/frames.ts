import { Buffer } from "node:buffer";
import { readJson } from "../shared/json.ts";
import { readPointer } from "../shared/json-pointer.ts";

/** What SWUpdate says that it is doing (its `RECOVERY_STATUS`), as far as it decides anything. */
const statuses = ["IDLE", "DOWNLOAD", "START", "RUN", "SUBPROCESS", "SUCCESS", "FAILURE", "DONE"] as const;
export type DeviceStatus = (typeof statuses)[number];

/**
 * One message of SWUpdate's websocket. Steps, sources and `info` decide nothing: `info` may hold bytes of an earlier
 * update, and all of it is the device's own text.
 */
export type Frame =
  | { readonly type: "status"; readonly status: DeviceStatus }
  /** The installer has taken an upload on, before it has seen a byte of it. */
  | { readonly type: "taken-on" }
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
  const [level, said] = [field("level"), field("text")];
  if (field("type") !== "message" || typeof said !== "string") return undefined;
  if (takenOn.test(said)) return { type: "taken-on" };
  if (!worstLevel.test(String(level))) return undefined;
  return { type: "complaint", text: said.slice(0, longestComplaint) };
}
