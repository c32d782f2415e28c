import { statSync } from "node:fs";
import { resolve } from "node:path";
import { failed } from "../failure.ts";

/**
 * Holds an open database to its path: SQLite goes on writing to a file that was removed or replaced, which nobody can
 * open any more.
 * @param path the file's, which is there
 * @returns throws `registry_failed` once another file, or none, is at its path, or nobody can say what is
 */
export function sameFile(path: string): () => void {
  const place = resolve(path); // the process may go to another folder meanwhile
  const find = () => statSync(place, { bigint: true, throwIfNoEntry: false });
  const opened = find();
  const look = () => {
    try {
      return find();
    } catch (cause) {
      throw failed("what was written cannot be found at its path any more; make its folder readable, then read again", {
        place: path,
        cause,
      });
    }
  };
  return () => {
    const now = look();
    if (now !== undefined && now.ino === opened?.ino && now.dev === opened.dev) return;
    throw failed(
      "its file was removed, or another one put in its place, while it was open: what is written to it is lost; open it again",
      { place: path },
    );
  };
}
