import type { DatabaseSync } from "node:sqlite";
import { failed } from "../failure.ts";
import { readSetting } from "./settings.ts";

/** A file format of ours: what it is known by, and how it came to be. */
export interface Schema {
  /** SQLite's `application_id`, a 32-bit number. */
  readonly applicationId: number;
  /** DDL by version; only ever appended to. A file at version n has had the first n. */
  readonly migrations: readonly string[];
}

/** The oldest SQLite that the statements were tried on: Node 24.0 brings it. */
const oldest = [3, 49, 1] as const;

/** @throws `registry_failed` for an SQLite that is too old, say of a Node built against the system's */
export function checkSqliteVersion(version: string | undefined): void {
  const parts = (version ?? "").split(".").map(Number);
  for (const [i, least] of oldest.entries()) {
    const part = parts[i] ?? 0;
    if (part > least) return;
    if (!(part >= least)) throw failed(`SQLite ${oldest.join(".")} or newer is needed; use a newer Node`);
  }
}

/**
 * Refuses files that are not ours, or newer than this code, before anything is written to them. An empty file is ours
 * to fill.
 * @param place the file's path, for what an error says
 */
export function checkFile(database: DatabaseSync, schema: Schema, place: string): void {
  const id = readSetting(database, "application_id");
  const tables = database.prepare("SELECT count(*) AS n FROM sqlite_schema").get()?.["n"];
  if (id !== schema.applicationId && (id !== 0 || tables !== 0)) {
    throw failed("the file is a database of another program; it was left as it is, give another path", { place });
  }
  const [found, known] = [readSetting(database, "user_version"), schema.migrations.length];
  if (typeof found === "number" && found > known) {
    const versions = `the database has schema version ${found}, this Flashwave knows ${known}`;
    throw failed(`${versions}; use a newer Flashwave`, { place });
  }
}

/**
 * Brings a file up to date. Of several that start at once one does it and the others find it done: the version is
 * read again under the write lock.
 * @throws an SQLite error; BUSY when somebody else has the lock
 */
export function migrate(database: DatabaseSync, schema: Schema, place: string): void {
  database.exec("BEGIN IMMEDIATE");
  try {
    checkFile(database, schema, place);
    const done = Number(readSetting(database, "user_version"));
    for (const step of schema.migrations.slice(done)) database.exec(step);
    if (done < schema.migrations.length) {
      database.exec(`PRAGMA application_id = ${schema.applicationId}`);
      database.exec(`PRAGMA user_version = ${schema.migrations.length}`);
    }
    database.exec("COMMIT");
  } finally {
    if (database.isTransaction) database.exec("ROLLBACK");
  }
}
