import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import pg from "pg";
import type { Registry } from "../../../src/core/registry.ts";
import type * as Memory from "../../../src/registry/memory/index.ts";
import type * as Sqlite from "../../../src/registry/sqlite/index.ts";
import type { Context } from "../../types.ts";

/** A module of the tree that is measured. */
export function load<T>(root: string, module: string): Promise<T> {
  return import(pathToFileURL(join(root, module)).href) as Promise<T>;
}

export const openMemory = async (root: string): Promise<Registry> =>
  (await load<typeof Memory>(root, "src/registry/memory/index.ts")).createMemoryRegistry();

export const openSqlite = async (root: string, path: string): Promise<Sqlite.SqliteRegistry> =>
  (await load<typeof Sqlite>(root, "src/registry/sqlite/index.ts")).openSqliteRegistry(path);

/** A checkout to compare with may not have it. */
interface PostgresDoor {
  openPostgresRegistry(to: string): Promise<Registry>;
}

const urlOf = (server: string, database: string): string =>
  Object.assign(new URL(server), { pathname: `/${database}` }).href;

const openPostgres = async (root: string, url: string): Promise<Registry> =>
  (await load<PostgresDoor>(root, "src/registry/postgres/index.ts")).openPostgresRegistry(url);

/** A database of our own on the trials' server, which is gone once its user is. */
export class OwnDatabase implements AsyncDisposable {
  readonly url: string;
  readonly #admin: pg.Client;
  readonly #name: string;

  private constructor(admin: pg.Client, url: string, name: string) {
    this.#admin = admin;
    this.#name = name;
    this.url = url;
  }

  static async create(server: string): Promise<OwnDatabase> {
    const name = `bench_${process.pid}_${Date.now()}`;
    const admin = new pg.Client(server);
    await admin.connect();
    await admin.query(`CREATE DATABASE ${name}`);
    return new OwnDatabase(admin, urlOf(server, name), name);
  }

  /** A registry in a database that stays for the whole run, made when it is missing. */
  static async shared(root: string, server: string, name: string): Promise<Registry> {
    const admin = new pg.Client(server);
    await admin.connect();
    const { rowCount } = await admin.query("SELECT 1 FROM pg_database WHERE datname = $1", [name]);
    if (rowCount === 0) await admin.query(`CREATE DATABASE ${name}`);
    await admin.end();
    return openPostgres(root, urlOf(server, name));
  }

  async bytes(): Promise<number> {
    const { rows } = await this.#admin.query("SELECT pg_database_size($1)::float8 AS size", [this.#name]);
    return Number(rows[0]?.size);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#admin.query(`DROP DATABASE ${this.#name} WITH (FORCE)`);
    await this.#admin.end();
  }
}

/** An empty registry of the kind that a peer's variant names. */
export interface Opened extends AsyncDisposable {
  readonly registry: Registry;
  /** On the disk now; 0 where there is none. */
  bytes(): Promise<number>;
}

export async function openEmpty({ parameters, root, postgres }: Context): Promise<Opened> {
  if (parameters.variant === "memory") {
    const registry = await openMemory(root);
    return { registry, bytes: async () => 0, [Symbol.asyncDispose]: () => registry[Symbol.asyncDispose]() };
  }
  const stack = new AsyncDisposableStack();
  const close = { [Symbol.asyncDispose]: () => stack.disposeAsync() };
  if (parameters.variant === "postgres") {
    const database = stack.use(await OwnDatabase.create(postgres ?? ""));
    const registry = stack.use(await openPostgres(root, database.url));
    return { registry, bytes: () => database.bytes(), ...close };
  }
  const folder = stack.use(new Folder());
  const path = folder.file("fleet.db");
  const registry = stack.use(await openSqlite(root, path));
  return { registry, bytes: async () => size(path) + size(`${path}-wal`), ...close };
}

const size = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

/** A folder that is gone once its user is. */
export class Folder implements Disposable {
  readonly path: string = mkdtempSync(join(tmpdir(), "flashwave-store-"));

  file(name: string): string {
    return join(this.path, name);
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
