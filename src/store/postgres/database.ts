import type { Random } from "../../core/clock.ts";
import { closed } from "../failure.ts";
import type { Parameter, PostgresPool, Row } from "./client.ts";
import { Connections, StatementError } from "./connection.ts";
import { Impatience, isContended, isEnded, isRefused, sqlState, storeFailure } from "./failure.ts";
import { GroupCommit, type Step } from "./group-commit.ts";
import { type OwnPool, openPool } from "./pool.ts";
import { type RetryPolicy, whileContended } from "./retry.ts";
import { checkDatabase, type Found, inspectStatement, migration, type Schema, versionStatement } from "./schema.ts";

export interface DatabaseOptions {
  readonly schema: Schema;
  /** Whether a database that has nothing of the schema is given it; false: `isEmpty` tells, and nothing is written. @default true */
  readonly make?: boolean;
  /** Milliseconds that an answer may take, and that contended writes are tried again. @default 30_000 */
  readonly patience?: number;
  /** @default Math.random */
  readonly random?: Random;
}

/** How often a store did what. */
export interface DatabaseStatistics {
  readonly statements: number;
  readonly commits: number;
  /** Writes tried again that the server had given up for others. */
  readonly retries: number;
}

/** What runs statements: each is a transaction of its own. */
export interface Queries {
  all(sql: string, ...parameters: readonly Parameter[]): Promise<readonly Row[]>;
}

/** A database that processes on many machines share. */
export class Database implements Queries {
  readonly #connections: Connections;
  readonly #own: OwnPool | undefined;
  readonly #retry: RetryPolicy;
  readonly #commits = new GroupCommit((error) => isRefused(reason(error)));
  #retries = 0;
  #closed: Promise<void> | undefined;
  #isEmpty = false;

  private constructor(pool: PostgresPool, own: OwnPool | undefined, options: DatabaseOptions) {
    const { patience = 30_000, random = Math.random } = options;
    this.#connections = new Connections(pool, patience, own?.place);
    this.#own = own;
    const onRetry = () => {
      this.#retries += 1;
    };
    this.#retry = { patience, random, onRetry };
  }

  /**
   * Connects, and brings the schema up to date.
   * @param to a connection string for a pool of our own, or the caller's pool, which stays the caller's to close
   * @throws `registry_failed` when the database cannot be reached, refuses, is too old or newer than this code; nothing
   * was written to it then
   */
  static async open(to: string | PostgresPool, options: DatabaseOptions): Promise<Database> {
    const own = typeof to === "string" ? await openPool(to) : undefined;
    const database = new Database(own ?? (to as PostgresPool), own, options);
    try {
      await database.#prepare(options);
      return database;
    } catch (error) {
      await database.close();
      throw error;
    }
  }

  /** The server and its database, as far as they are known. */
  get place(): string | undefined {
    return this.#connections.place;
  }

  /** Whether the schema is not there, and was not to be made. */
  get isEmpty(): boolean {
    return this.#isEmpty;
  }

  /** One statement that reads. A connection that had broken while it was idle is noticed now, and another one taken. */
  async all(sql: string, ...parameters: readonly Parameter[]): Promise<readonly Row[]> {
    try {
      return await this.#readTwice(sql, parameters);
    } catch (error) {
      throw this.#told(error);
    }
  }

  /** Rows of one kind of write, in a statement with those of others; resolves once they are on the disk. */
  async write<T, R>(step: Step<T, R>, rows: readonly T[]): Promise<readonly R[]> {
    if (this.#closed !== undefined) throw closed(this.place);
    try {
      return await this.#commits.write(step, rows);
    } catch (error) {
      throw this.#told(error);
    }
  }

  /**
   * For a step of `write`: its statements, tried again together when the server gives one up for others. It is a
   * transaction of its own, each; only the last may write.
   */
  attempt<T>(work: (on: Queries) => Promise<T>): Promise<T> {
    const on: Queries = { all: (sql, ...parameters) => this.#connections.all(sql, parameters) };
    return whileContended(this.#retry, async () => {
      try {
        return await work(on);
      } catch (error) {
        throw isContended(reason(error)) ? reason(error) : error;
      }
    });
  }

  statistics(): DatabaseStatistics {
    return { statements: this.#connections.executed, commits: this.#commits.commits, retries: this.#retries };
  }

  /** Waits for what is being written, then closes the pool that is our own. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #readTwice(sql: string, parameters: readonly Parameter[]): Promise<readonly Row[]> {
    try {
      return await this.#connections.all(sql, parameters);
    } catch (error) {
      if (!isLost(error) || this.#closed !== undefined) throw error;
      return await this.#connections.all(sql, parameters);
    }
  }

  async #prepare({ schema, make = true }: DatabaseOptions): Promise<void> {
    const found = await this.#inspect(schema);
    checkDatabase(found, schema, this.place);
    this.#isEmpty = found.version === 0 && !make;
    if (this.#isEmpty) return;
    if (found.version === schema.migrations.length) return;
    try {
      await this.#connections.script(migration(schema));
    } catch (error) {
      throw this.#told(error);
    }
  }

  async #inspect(schema: Schema): Promise<Found> {
    const [row = []] = await this.all(inspectStatement(schema));
    const [server, encoding, exists, ours] = row as [number, string, boolean, boolean];
    const [[version] = [0]] = ours ? await this.all(versionStatement(schema)) : [];
    return { server, encoding, version: Number(version), foreign: exists && !ours };
  }

  /** What a caller is told. What no statement failed with is a mistake in the code around it, and stays what it is. */
  #told(error: unknown): unknown {
    const isStores = error instanceof StatementError || sqlState(error) !== undefined;
    const sent = error instanceof StatementError && error.sent;
    return isStores ? storeFailure(reason(error), sent, this.place) : error;
  }

  async #close(): Promise<void> {
    await this.#commits.settled();
    await this.#own?.end();
  }
}

/** What the server or its client said. */
const reason = (error: unknown): unknown => (error instanceof StatementError ? error.cause : error);

/** Whether a connection broke rather than a statement. Where our time was over, it would only be waited for once more. */
function isLost(error: unknown): boolean {
  if (!(error instanceof StatementError)) return false;
  return isEnded(error.cause) || (error.sent && !(error.cause instanceof Impatience));
}
