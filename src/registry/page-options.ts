import type { ChangesOptions, PageOptions } from "../core/page.ts";
import type { ResolveOptions } from "../core/profile-registry.ts";
import type { Cursors } from "./cursor.ts";
import { invalidOption } from "./failures.ts";
import { namesOf } from "./plain.ts";

// What each kind of call takes: see `Gate`.
export const pageOptions: readonly string[] = namesOf<PageOptions>({
  signal: true,
  after: true,
  offset: true,
  limit: true,
});
export const changesOptions: readonly string[] = namesOf<ChangesOptions>({ signal: true, limit: true });
export const resolveOptions: readonly string[] = namesOf<ResolveOptions>({ signal: true, at: true });

export interface PageWindow {
  /** The key after which the page begins. */
  readonly after: string | undefined;
  readonly offset: number;
  readonly limit: number;
}

export function resolveLimit(options: PageOptions | ChangesOptions | undefined): number {
  const limit = options?.limit ?? 100;
  if (!Number.isInteger(limit) || limit < 1 || limit > 1_000) throw invalidOption("limit must be 1 to 1,000");
  return limit;
}

/** @param use what a cursor of this call is bound to */
export function resolvePage(cursors: Cursors, use: string, options: PageOptions | undefined): PageWindow {
  const limit = resolveLimit(options);
  const offset = options?.offset ?? 0;
  if (!Number.isSafeInteger(offset) || offset < 0) throw invalidOption("offset must be a whole number from 0");
  if (options?.after === undefined) return { after: undefined, offset, limit };
  if (offset > 0) throw invalidOption("offset and after exclude each other: give one of them");
  return { after: cursors.read(use, options.after), offset, limit };
}

/** The revision to resolve as of; absent: now. */
export function resolveRevision(options: ResolveOptions | undefined): number | undefined {
  const at = options?.at;
  if (at !== undefined && (!Number.isSafeInteger(at) || at < 0)) throw invalidOption("at must be a revision");
  return at;
}
