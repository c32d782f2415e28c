import { FlashwaveError } from "../../core/errors.ts";
import { compilePointer, type Pointer } from "./json-pointer.ts";

/** Says which field of a profile makes no sense and what to put there; never the value, which may be a secret. */
export function invalidProfile(where: string, problem: string): FlashwaveError<"invalid_profile"> {
  return new FlashwaveError("invalid_profile", `${where} ${problem.replace(/\.$/, "")}.`, { phase: "prepare" });
}

/** The transport's own rules, applied now rather than at the first push. */
export function asProfile(where: string, check: () => void): void {
  try {
    check();
  } catch (error) {
    throw invalidProfile(where, `cannot be sent. ${error instanceof Error ? error.message : ""}`);
  }
}

/** The fields of an object of a profile, which may have come from a file or a store. */
export function fieldsOf(value: unknown, where: string, known: readonly string[]): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalidProfile(where, "must be an object");
  }
  for (const name of Object.keys(value)) {
    if (!known.includes(name))
      throw invalidProfile(where, `knows no ${JSON.stringify(name)}; it takes ${known.join(", ")}`);
  }
  return value as Readonly<Record<string, unknown>>;
}

/** A record of text by name, as pairs in the order they were written. Absent: none. */
export function textPairs(value: unknown, where: string): readonly (readonly [name: string, value: string])[] {
  if (value === undefined) return [];
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalidProfile(where, "must be an object of names and texts");
  }
  return Object.entries(value).map(([name, text]: [string, unknown]) => {
    if (typeof text !== "string") throw invalidProfile(`${where}[${JSON.stringify(name)}]`, "must be text");
    return [name, text] as const;
  });
}

export function pointerOf(value: unknown, where: string): Pointer {
  const pointer = typeof value === "string" ? compilePointer(value) : undefined;
  if (pointer === undefined)
    throw invalidProfile(where, 'must be a JSON pointer (RFC 6901), such as "/firmware/version"');
  return pointer;
}
