import { hash } from "node:crypto";
import type { Cursor } from "../core/page.ts";
import { invalidCursor } from "./failures.ts";

/**
 * Makes cursors, and knows its own again.
 *
 *   base64url(position) "." first 16 digits of SHA-256(store, use, position)
 *
 * The digest is no secret: it tells a cursor of another store, of another call or of another filter from ours without
 * carrying any of them.
 */
export interface Cursors {
  /** `use` names the call and its filter, `position` the place. */
  issue(use: string, position: string): Cursor;
  /** @throws `invalid_cursor` unless it was issued for this very use */
  read(use: string, cursor: Cursor): string;
}

/** @param store what sets this store apart from all others, kept with it */
export function createCursors(store: string): Cursors {
  const seal = (use: string, position: string) => hash("sha256", JSON.stringify([store, use, position])).slice(0, 16);
  return Object.freeze({
    issue(use: string, position: string): Cursor {
      return `${Buffer.from(position).toString("base64url")}.${seal(use, position)}`;
    },
    read(use: string, cursor: Cursor): string {
      const [encoded = "", digest] = typeof cursor === "string" ? cursor.split(".", 2) : [];
      const position = Buffer.from(encoded, "base64url").toString();
      if (digest === undefined || cursor !== `${encoded}.${digest}` || digest !== seal(use, position)) {
        throw invalidCursor("the cursor was not issued by this registry for this call and filter; begin without one");
      }
      return position;
    },
  });
}
