import { hash } from "node:crypto";
import {
  type Parameter,
  type PostgresClient,
  type PostgresPool,
  type PostgresQuery,
  placeOf,
  type Row,
} from "./client.ts";
import { isMisnamed, isRefused, sqlState } from "./failure.ts";

/** Texts that are given a name. Those made of a filter have as many texts as there are shapes of filters. */
const most = 256;

// int8 as a number: all of ours are far below 2^53. Told with each statement, since the pool may be the caller's.
const numbers: readonly number[] = [20, 21, 23];
const bytes = 17;
const types = {
  getTypeParser(type: number): (value: string) => unknown {
    if (numbers.includes(type)) return Number;
    if (type === 16) return (value) => value === "t";
    if (type === bytes) return (value) => Buffer.from(value.slice(2), "hex");
    return (value) => value;
  },
};

/** What went wrong, and whether the server may have been given the statement. */
export class StatementError extends Error {
  readonly sent: boolean;

  constructor(cause: unknown, sent: boolean) {
    super("a statement failed", { cause });
    this.sent = sent;
  }
}

/** Runs single statements, each a transaction of its own, each on whichever connection is free. */
export class Connections {
  readonly #pool: PostgresPool;
  readonly #patience: number;
  readonly #names = new Map<string, string>();
  #named: number = most;
  /** Statements sent so far. */
  executed = 0;
  /** The server and its database: as they were given, or as the first connection of a caller's pool has them. */
  place: string | undefined;

  /** @param patience milliseconds that an answer may take */
  constructor(pool: PostgresPool, patience: number, place: string | undefined) {
    this.#pool = pool;
    this.#patience = patience;
    this.place = place;
  }

  /** @throws StatementError */
  async all(sql: string, parameters: readonly Parameter[]): Promise<readonly Row[]> {
    const query: PostgresQuery = { text: sql, values: parameters, rowMode: "array", types };
    const name = this.#nameOf(sql);
    if (name === undefined) return (await this.#run(query)).rows as readonly Row[];
    try {
      return (await this.#run({ ...query, name })).rows as readonly Row[];
    } catch (error) {
      if (!isMisnamed((error as StatementError).cause)) throw error;
      // Behind a pooler that shares out connections by transaction, statements go without a name from now on.
      this.#names.clear();
      this.#named = 0;
      return (await this.#run(query)).rows as readonly Row[];
    }
  }

  /** Runs several statements in one message, which makes them one transaction. */
  async script(sql: string): Promise<void> {
    await this.#run({ text: sql });
  }

  async #run(query: PostgresQuery): Promise<{ readonly rows: readonly unknown[] }> {
    const client = await this.#connect();
    let broken = false;
    // A connection that breaks fails its statement; told as an event as well, it would end the process.
    const onError = () => {
      broken = true;
    };
    client.on("error", onError);
    try {
      this.executed += 1;
      return await client.query({ ...query, query_timeout: this.#patience });
    } catch (error) {
      // Whoever gave up waiting leaves an answer behind, which the next must not take for its own.
      broken ||= !isRefused(error);
      throw new StatementError(error, sqlState(error) === undefined);
    } finally {
      client.off("error", onError);
      client.release(broken);
    }
  }

  async #connect(): Promise<PostgresClient> {
    try {
      const client = await this.#pool.connect();
      this.place ??= placeOf(client);
      return client;
    } catch (error) {
      throw new StatementError(error, false);
    }
  }

  #nameOf(sql: string): string | undefined {
    const known = this.#names.get(sql);
    if (known !== undefined || this.#names.size >= this.#named) return known;
    const name = `flashwave_${hash("sha256", sql).slice(0, 32)}`;
    this.#names.set(sql, name);
    return name;
  }
}
