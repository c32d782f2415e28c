// What one turn of the event loop can bear: a write costs many times a read, and its transaction ends with a wait for the
// disk. Smaller slices would wait more often.
const writesAtOnce = 200;
const readsAtOnce = 500;

/** Writes a batch of any size slice by slice, in order, and puts the results together. */
export function inSlices<T, R>(
  rows: readonly T[],
  write: (slice: readonly T[]) => Promise<readonly R[]>,
): Promise<readonly R[]> {
  return slice(rows, writesAtOnce, write);
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
