import type { DeviceState } from "../../core/outcome.ts";
import { type JsonReading, type JsonValue, maxJsonBytes, readJson } from "../shared/json.ts";
import { type Pointer, readPointer } from "../shared/json-pointer.ts";
import type { RawRequest } from "../shared/overlay.ts";
import { compilePattern, firstGroup } from "../shared/pattern.ts";
import { fieldsOf, invalidProfile, pointerOf } from "../shared/profile-rules.ts";
import { isPrintable } from "../shared/text.ts";

type Field = "digest" | "deviceId" | "hardware" | "slot" | "bootId" | "uptime";
const fields: readonly Field[] = ["digest", "deviceId", "hardware", "slot", "bootId", "uptime"];

type Place =
  | { readonly kind: "pointer"; readonly pointer: Pointer }
  | { readonly kind: "text" }
  | { readonly kind: "pattern"; readonly pattern: RegExp };

/** How a device's state is read from the body of one answer. */
export interface StatePlan {
  readonly version: Place;
  readonly also: readonly { readonly field: Field; readonly pointer: Pointer }[];
  /** Whether the profile named `also`. What was not asked for is taken where it is usable and left where it is not. */
  readonly asked: boolean;
  readonly proves: "digest" | "version";
}

const usual = { bootId: "/bootId", slot: "/slot", uptime: "/uptime" };

/** @throws `invalid_profile` */
export function compileState(request: RawRequest): StatePlan {
  const version = compilePlace(request);
  const named = request["also"];
  if (version.kind === "text" && named !== undefined && Object.keys(Object(named)).length > 0) {
    throw invalidProfile(
      "inspect.also",
      "needs a JSON answer, but `text` takes the whole body; set `also: {}` or name a pointer",
    );
  }
  const also = fieldsOf(named ?? (version.kind === "pointer" ? usual : {}), "inspect.also", fields);
  return Object.freeze({
    version,
    also: fields
      .filter((field) => also[field] !== undefined)
      .map((field) => ({ field, pointer: pointerOf(also[field], `inspect.also.${field}`) })),
    asked: named !== undefined,
    proves: also["digest"] === undefined ? "version" : "digest",
  });
}

function compilePlace({ pointer, text, pattern }: RawRequest): Place {
  if ([pointer, text, pattern].filter((place) => place !== undefined).length !== 1) {
    throw invalidProfile(
      "inspect",
      "must say in exactly one of `pointer`, `text` and `pattern` where the version stands",
    );
  }
  if (pointer !== undefined) return { kind: "pointer", pointer: pointerOf(pointer, "inspect.pointer") };
  if (text !== undefined) {
    if (text !== true) throw invalidProfile("inspect.text", "can only be true");
    return { kind: "text" };
  }
  if (typeof pattern !== "string") throw invalidProfile("inspect.pattern", "must be text");
  const compiled = compilePattern(pattern);
  if ("problem" in compiled) throw invalidProfile("inspect.pattern", compiled.problem);
  return { kind: "pattern", pattern: compiled.pattern };
}

/** What a body told: everything of a `DeviceState` that the body can tell. */
export type ReportedState = Omit<DeviceState, "identity" | "readAt">;
export type StateReading = { readonly state: ReportedState } | { readonly problem: string };

/**
 * Pure: reads one answer's body. `problem` is in our words and holds nothing that the device sent.
 *
 * What proves a version must show by itself that it is whole: half of a JSON document is none, but half of `2.10` is
 * `2.1`. So text is believed only with a length.
 *
 * @param delimited whether the answer said where it ends
 */
export function readState(plan: StatePlan, body: Uint8Array, delimited: boolean): StateReading {
  const json = plan.version.kind === "pointer" || plan.also.length > 0 ? readJson(body) : undefined;
  if (json !== undefined && "problem" in json) return { problem: `its answer ${json.problem}` };
  if (json === undefined && !delimited) {
    return { problem: "its answer has no length, so it may have been cut short; read the version from JSON" };
  }
  const version = readVersion(plan.version, body, json);
  if (typeof version !== "string") return version;
  if (!isPrintable(version)) return { problem: "its version is empty, too long or holds control characters" };
  const state: { -readonly [Name in keyof ReportedState]: ReportedState[Name] } = { version };
  for (const { field, pointer } of plan.also) {
    const found = json === undefined ? undefined : readPointer(json.value, pointer);
    // Absent is no fault: a device may report a boot id in one release and not in the next.
    if (found === undefined || found === null) continue;
    const problem = assign(state, field, found);
    if (problem !== undefined && plan.asked) return { problem };
  }
  return { state };
}

function readVersion(
  place: Place,
  body: Uint8Array,
  json: Exclude<JsonReading, { problem: string }> | undefined,
): string | { readonly problem: string } {
  if (place.kind === "pointer") {
    const found = json === undefined ? undefined : readPointer(json.value, place.pointer);
    if (found === undefined)
      return { problem: "its answer holds nothing where the profile's pointer says the version stands" };
    // 2.10 as a JSON number is 2.1: only text can name a version.
    return typeof found === "string" ? found : { problem: "its version is not text" };
  }
  if (body.byteLength > maxJsonBytes) return { problem: `its answer is longer than ${maxJsonBytes} bytes` };
  const text = new TextDecoder().decode(body);
  if (place.kind === "text") return text.trim();
  const { group, tooSlow } = firstGroup(place.pattern, text);
  if (tooSlow)
    return { problem: "the profile's pattern takes too long on its answer; write it without repeats inside repeats" };
  return group ?? { problem: "its answer does not match the profile's pattern" };
}

const sha256 = /^(?:sha-?256:)?([\da-f]{64})$/i;

type Writable = { -readonly [Name in keyof ReportedState]: ReportedState[Name] };

function assign(state: Writable, field: Field, found: JsonValue): string | undefined {
  if (field === "uptime") {
    if (typeof found !== "number" || found < 0) return "its uptime is not a number of seconds";
    state.uptime = found;
    return undefined;
  }
  const text = Number.isSafeInteger(found) ? String(found) : found;
  if (typeof text !== "string" || !isPrintable(text)) return `its ${field} is not a short printable text`;
  if (field === "digest") {
    const digest = sha256.exec(text)?.[1]?.toLowerCase();
    if (digest === undefined) return "its digest is not a SHA-256 in hexadecimal";
    state.digest = digest;
  } else state[field] = text;
  return undefined;
}
