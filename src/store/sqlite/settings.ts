import type { DatabaseSync } from "node:sqlite";

/**
 * What every connection is set to, with what it reads back as.
 *
 * `synchronous` FULL, since NORMAL can forget acknowledged commits at power loss; group commit pays for it. The busy
 * timeout is 0, see `whileBusy`. A checkpoint every 4,000 pages: at 1,000, many writers to
 * rows all over the file have the same pages written to it after every commit. `trusted_schema` off: a file that somebody else made runs no functions of ours.
 *
 * No `PRAGMA optimize`: with the statistics it gathers while tables are small, SQLite plans full scans that stay when
 * they have grown. Without any, plans are those that the tests read.
 */
export const settings: Readonly<Record<string, number | string>> = Object.freeze({
  busy_timeout: 0,
  synchronous: 2,
  foreign_keys: 1,
  temp_store: 2,
  cache_size: -8_192,
  mmap_size: 268_435_456,
  wal_autocheckpoint: 4_000,
  journal_size_limit: 67_108_864,
  trusted_schema: 0,
});

export function applySettings(database: DatabaseSync): void {
  for (const [name, value] of Object.entries(settings)) database.exec(`PRAGMA ${name} = ${value}`);
}

/** What `PRAGMA name` says. */
export function readSetting(database: DatabaseSync, name: string): number | string | undefined {
  const row = database.prepare(`PRAGMA ${name}`).get();
  const value = row === undefined ? undefined : Object.values(row)[0];
  return typeof value === "number" || typeof value === "string" ? value : undefined;
}
