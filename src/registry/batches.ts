import { inContext, isFlashwaveError } from "../core/errors.ts";

// What one turn of the event loop can bear: a write costs many times a read, and its transaction ends with a wait for the
// disk. Smaller slices would wait more often.
const writesAtOnce = 200;
const readsAtOnce = 500;

/**
 * Writes a batch of any size slice by slice, in order, and puts the results together. Each slice is whole, or not there;
 * where one fails, those before it stay, and the error says how many rows they were.
 */
export async function inSlices<T, R>(
  rows: readonly T[],
  write: (slice: readonly T[]) => Promise<readonly R[]>,
): Promise<readonly R[]> {
  let done = 0;
  try {
    return await slice(rows, writesAtOnce, async (part) => {
      const results = await write(part);
      done += part.length;
      return results;
    });
  } catch (error) {
    throw partlyDone(error, done, `of this batch's ${rows.length} rows the first ${done} were done before`);
  }
}

/** What failed after something was done for good: the same, saying so. */
export function partlyDone(error: unknown, done: number, what: string): unknown {
  return done > 0 && isFlashwaveError(error) ? inContext(error, { message: `${error.message}; ${what}` }) : error;
}

/** Reads a batch of any size into a map. */
export async function gather<T, V>(
  rows: readonly T[],
  read: (slice: readonly T[]) => Promise<readonly (readonly [string, V])[]>,
): Promise<ReadonlyMap<string, V>> {
  return new Map(await slice(rows, readsAtOnce, read));
}

async function slice<T, R>(
  rows: readonly T[],
  most: number,
  work: (slice: readonly T[]) => Promise<readonly R[]>,
): Promise<readonly R[]> {
  if (rows.length <= most) return await work(rows);
  const results: R[] = [];
  for (let at = 0; at < rows.length; at += most) {
    if (at > 0) await new Promise<void>((resolve) => setImmediate(resolve));
    for (const result of await work(rows.slice(at, at + most))) results.push(result);
  }
  return results;
}
