import { closed, failed } from "../failure.ts";

// Primary result codes, https://sqlite.org/rescode.html; the lower byte of every extended one.
const told: Readonly<Record<number, string>> = {
  5: "the database is in use by another process that does not let go; try again",
  6: "a table of the database is locked; try again",
  7: "there is no memory left for the database",
  8: "the database cannot be written: make its file, its folder and the disk writable",
  10: "the disk failed while the database was read or written; check the disk before going on",
  11: "the database is damaged; restore it from a backup",
  13: "the disk is full; nothing of this commit was written, make room and try again",
  14: "the database cannot be opened: its folder must exist, and file and folder must be accessible and writable",
  18: "a value is too large for the database",
  19: "the change would break the database's integrity; nothing of this commit was written",
  26: "the file is not an SQLite database; give another path",
};

const retryable: readonly number[] = [5, 6, 13];

/** SQLite's primary result code, or nothing when the error is not SQLite's. */
export function resultCode(error: unknown): number | undefined {
  const code: unknown = (error as { readonly errcode?: unknown } | null)?.errcode;
  return typeof code === "number" ? code & 0xff : undefined;
}

/** Whether somebody else holds the lock. Includes BUSY_RECOVERY and BUSY_SNAPSHOT. */
export const isBusy = (error: unknown): boolean => resultCode(error) === 5;

/**
 * An SQLite error as `registry_failed`, with its file and with what to do next; any other error as it is. SQLite's own
 * message may hold parts of a statement, never of a value; it stays in the cause.
 * @param place the file's path
 */
export function storeFailure(error: unknown, place: string): unknown {
  if (isClosed(error)) return closed(place, error);
  const code = resultCode(error);
  if (code === undefined) return error;
  const message = told[code] ?? `the database failed with SQLite's code ${code}; its cause says more`;
  return failed(message, { place, cause: error, again: retryable.includes(code) });
}

/** Whether a statement came after its connection had been closed: nothing that SQLite itself would say. */
const isClosed = (error: unknown): boolean =>
  (error as { readonly code?: unknown } | null)?.code === "ERR_INVALID_STATE";
