import { existsSync } from "node:fs";
import { access, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { inContext } from "../../core/errors.ts";
import { isFlashwaveError, type Registry } from "../../core/index.ts";
import { readText } from "../files.ts";
import { given } from "../given.ts";
import { printable } from "../text.ts";
import { UsageError } from "../usage-error.ts";

/** Where a fleet is kept: `--store`, else the environment's FLASHWAVE_STORE. */
export interface StoreFlags {
  readonly store?: string;
  readonly storePasswordFile?: string;
  /** Which fleet of a PostgreSQL database: else the environment's FLASHWAVE_FLEET. */
  readonly fleet?: string;
}

export const storeRows: readonly (readonly [flags: string, description: string])[] = [
  ["--store <store>", "the fleet: an SQLite file, or postgres://user@host/database (default: FLASHWAVE_STORE)"],
  ["--store-password-file <file>", "PostgreSQL's password (default: PGPASSWORD)"],
  ["--fleet <name>", "one of the fleets of a PostgreSQL database (default: FLASHWAVE_FLEET, else default)"],
];

/** What `--store` or the environment names, if either does. */
export function storeNamed({ store }: StoreFlags, env: NodeJS.ProcessEnv = process.env): string | undefined {
  const named = store ?? env["FLASHWAVE_STORE"];
  if (named === "") throw new UsageError(`${nameOf(store)} is empty; name a fleet.`);
  return named;
}

/** Where the fleet was named. */
const nameOf = (store: string | undefined): string => (store === undefined ? "FLASHWAVE_STORE" : "--store");

/**
 * Opens the fleet that a command is about.
 * @param makes whether a fleet that is not there is made: a mistyped path must not become an empty fleet
 * @throws `UsageError`; `registry_failed` for a file that is no fleet, or cannot be read
 */
export async function openStore(
  flags: StoreFlags,
  { makes = false }: { readonly makes?: boolean } = {},
): Promise<Registry> {
  const named = storeNamed(flags);
  if (named === undefined) throw new UsageError("Give --store, the file of the fleet, or set FLASHWAVE_STORE.");
  const scheme = /^([a-z][a-z\d+.-]*):\/\//i.exec(named)?.[1];
  if (scheme === "postgres" || scheme === "postgresql") return openPostgres(named, flags, makes);
  if (flags.fleet !== undefined)
    throw new UsageError("--fleet goes with a store in PostgreSQL: an SQLite file is one fleet.");
  if (flags.storePasswordFile !== undefined)
    throw new UsageError("--store-password-file goes with a store in PostgreSQL.");
  if (scheme !== undefined) {
    // The rest of a URL may hold a password.
    throw new UsageError(
      `${nameOf(flags.store)} takes the path of a file or a postgres:// URL, not a ${printable(scheme)} URL.`,
    );
  }
  await (makes ? requireFolder(named, nameOf(flags.store)) : requireFleet(named, nameOf(flags.store)));
  const { openSqliteRegistry } = await import("../../registry/sqlite/index.ts");
  return openSqliteRegistry(named);
}

async function openPostgres(
  named: string,
  { store, storePasswordFile, fleet }: StoreFlags,
  make: boolean,
): Promise<Registry> {
  const url = URL.parse(named);
  if (url === null)
    throw new UsageError(
      `${nameOf(store)} is no URL: write postgres://user@host:5432/database, and what a URL has no room for in a password as %23, %2F, %3A, %40.`,
    );
  // Everybody on the machine can read a command line.
  if (store !== undefined && (url.password !== "" || url.searchParams.has("password")))
    throw new UsageError("--store takes no password: give --store-password-file, or set PGPASSWORD.");
  if (storePasswordFile !== undefined) {
    const text = (await readText("--store-password-file", storePasswordFile)).replace(/\r?\n$/, "");
    url.password = encodeURIComponent(text);
  }
  const { openPostgresRegistry } = await import("../../registry/postgres/index.ts");
  const name = fleet ?? process.env["FLASHWAVE_FLEET"];
  if (name === "") throw new UsageError(`${fleet === "" ? "--fleet" : "FLASHWAVE_FLEET"} is empty; name a fleet.`);
  const hasPassword = url.password !== "" || process.env["PGPASSWORD"] !== undefined;
  return openPostgresRegistry(url.href, given({ fleet: name, make })).catch((error: unknown) => {
    throw explained(error, name, fleet === undefined ? nameOf(store) : "--fleet", hasPassword);
  });
}

/** What the command line knows of a database that could not be opened, and the registry does not. */
function explained(error: unknown, fleet: string | undefined, flag: string, hasPassword: boolean): unknown {
  if (!isFlashwaveError(error)) return error;
  const { message } = error;
  if (message.includes("fleet must be the name of one"))
    return new UsageError(
      `${flag}: the database holds no fleet ${JSON.stringify(printable(fleet ?? "default"))}; --fleet names another, flashwave device add or import makes one.`,
    );
  // Without one, the client of PostgreSQL gives up within the login.
  if (hasPassword || !/cannot be reached(?!:)/.test(message)) return error;
  const advice = "if it wants a password, give --store-password-file, or set PGPASSWORD";
  return inContext(error, { message: `${message}; ${advice}` });
}

/** The folder of a file that is to be made. */
async function requireFolder(path: string, flag: string): Promise<void> {
  const folder = dirname(path);
  const found = await stat(folder).catch(() => undefined);
  if (found?.isDirectory() !== true)
    throw new UsageError(`${flag}: there is no folder ${JSON.stringify(printable(folder))} to make the fleet in.`);
  if (existsSync(path)) await requireFile(path, flag);
}

/** An empty file is a fleet that nobody has made yet. */
async function requireFleet(path: string, flag: string): Promise<void> {
  if ((await requireFile(path, flag)) === 0) throw noFleet(path, flag);
}

const noFleet = (path: string, flag: string) =>
  new UsageError(
    `${flag}: there is no fleet at ${JSON.stringify(printable(path))}; flashwave device add or import makes one.`,
  );

/** @returns bytes */
async function requireFile(path: string, flag: string): Promise<number> {
  try {
    await access(path);
    const found = await stat(path);
    if (found.isDirectory())
      throw new UsageError(`${flag}: ${JSON.stringify(printable(path))} is a folder; name the file of a fleet.`);
    return found.size;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const { code = "unreadable" } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") throw noFleet(path, flag);
    throw new UsageError(`${flag}: ${JSON.stringify(printable(path))} cannot be opened (${code}).`);
  }
}
