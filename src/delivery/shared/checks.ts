import { readJson } from "./json.ts";
import { type Pointer, readPointer } from "./json-pointer.ts";
import { pointerOf, textPairs } from "./profile-rules.ts";

/** What an answer must hold for the device to have said yes. */
export interface Check {
  readonly pointer: Pointer;
  readonly expected: string;
  /** The pointer as it was written, for messages. */
  readonly name: string;
}

export function compileChecks(value: unknown, where: string): readonly Check[] {
  const pairs = textPairs(value, where);
  return Object.freeze(
    pairs.map(([name, expected]) => ({
      pointer: pointerOf(name, `${where}[${JSON.stringify(name)}]`),
      expected,
      name,
    })),
  );
}

/** What is wrong with an answer by these checks, in our words; nothing when all hold. Numbers and booleans compare by their JSON text. */
export function failedCheck(checks: readonly Check[], body: Uint8Array): string | undefined {
  if (checks.length === 0) return undefined;
  const json = readJson(body);
  if ("problem" in json) return `its answer ${json.problem}`;
  for (const { pointer, expected, name } of checks) {
    const found = readPointer(json.value, pointer);
    const text = typeof found === "string" ? found : JSON.stringify(found);
    if (text !== expected)
      return `its answer does not hold what the profile's check of ${JSON.stringify(name)} asks for`;
  }
  return undefined;
}
