import { createInterface } from "node:readline";
import { addAbortSignal } from "node:stream";
import type { Row } from "../commands/group.ts";
import { UsageError } from "../usage-error.ts";

/** Ids that are looked up, changed and told of together. */
const together = 500;

export const idsArgument: Row = ["<id...>", "ids of devices; - reads them from standard input, one a line"];

/** Ids some hundred at a time: those that were given, or for `-` those that come down a pipe, however many they are. */
export async function* idSlices(
  given: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<readonly string[], void> {
  if (given.includes("-") && given.length > 1)
    throw new UsageError("- stands for all ids: those of standard input; give no others beside it.");
  let slice: string[] = [];
  for await (const id of given[0] === "-" ? piped(signal) : given) {
    if (slice.push(id) < together) continue;
    yield slice;
    slice = [];
  }
  if (slice.length > 0) yield slice;
}

async function* piped(signal: AbortSignal): AsyncGenerator<string, void> {
  const lines = createInterface({ input: addAbortSignal(signal, process.stdin), crlfDelay: Number.POSITIVE_INFINITY });
  for await (const line of lines) if (line !== "") yield line;
}
