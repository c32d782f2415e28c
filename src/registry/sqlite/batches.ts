/** Rows per transaction or statement: what one turn of the event loop can bear. */
const most = 500;

/** Works on a batch of any size slice by slice, in order, and puts the results together. */
export async function inSlices<T, R>(
  rows: readonly T[],
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

/** As `inSlices`, into a map. */
export async function gather<T, V>(
  rows: readonly T[],
  work: (slice: readonly T[]) => Promise<readonly (readonly [string, V])[]>,
): Promise<ReadonlyMap<string, V>> {
  return new Map(await inSlices(rows, work));
}
