import { hash } from "node:crypto";
import { failed } from "../failure.ts";
import {
  type Parameter,
  type PostgresClient,
  type PostgresPool,
  type PostgresQuery,
  placeOf,
  type Row,
} from "./client.ts";
import { isMisnamed, isRefused, noAnswer, noConnection, sqlState } from "./failure.ts";

/** Texts that are given a name. Those made of a filter have as many texts as there are shapes of filters. */
const most = 256;

// int8 as a number: all of ours are far below 2^53. Told with each statement, since the pool may be the caller's.
const numbers: readonly number[] = [20, 21, 23];
const bytes = 17;
const types = {
  getTypeParser(type: number): (value: string) => unknown {
    if (numbers.includes(type)) return Number;
    if (type === 16) return (value) => value === "t";
    if (type === bytes) return readBytes;
    return (value) => value;
  },
};

/** Either form that `bytea_output` may be set to: `\\x6869`, or `hi` with backslashes before what ASCII cannot say. */
function readBytes(value: string): Buffer {
  if (value.startsWith("\\x")) return Buffer.from(value.slice(2), "hex");
  const plain = value.replace(/\\(\\|\d{3})/g, (_, said: string) =>
    said === "\\" ? said : String.fromCharCode(Number.parseInt(said, 8)),
  );
  return Buffer.from(plain, "latin1");
}

// Only the statement that was given up, should the number have gone to another connection: a pooler's are its own.
const cancelStatement = `SELECT pg_cancel_backend(pid) FROM pg_stat_activity
  WHERE pid = $1 AND state = 'active' AND query <> '' AND starts_with($2, query)`;

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

  /** @param patience milliseconds that an answer may take, and a connection until it is there */
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
    try {
      return await this.#send(client, query);
    } catch (error) {
      if (!isUnanswered(error)) throw new StatementError(error, sqlState(error) === undefined);
      const told = await this.#giveUp(client, query.text).catch(() => false); // who cannot be reached cannot be told either
      throw new StatementError(noAnswer(this.#patience, told), true);
    }
  }

  /**
   * A statement that nobody waits for goes on at the server, with the locks that it holds, unless it is told. Told first, it
   * is over when its caller reads whether it happened.
   * @returns whether it was told; a pooler's numbers of connections are its own
   */
  async #giveUp({ processID }: PostgresClient, text: string): Promise<boolean> {
    if (typeof processID !== "number") return false;
    const patience = Math.min(this.#patience, 5_000);
    const cancel = { text: cancelStatement, values: [processID, text] };
    const { rows } = await this.#send(await this.#connect(patience), cancel, patience);
    return rows.length > 0;
  }

  async #send(
    client: PostgresClient,
    query: PostgresQuery,
    patience: number = this.#patience,
  ): Promise<{ readonly rows: readonly unknown[] }> {
    let broken = false;
    // A connection that breaks fails its statement; told as an event as well, it would end the process.
    const onError = () => {
      broken = true;
    };
    client.on("error", onError);
    try {
      this.executed += 1;
      return await client.query({ ...query, query_timeout: patience });
    } catch (error) {
      // Whoever gave up waiting leaves an answer behind, which the next must not take for its own.
      broken ||= !isRefused(error);
      throw error;
    } finally {
      client.off("error", onError);
      client.release(broken);
    }
  }

  async #connect(patience: number = this.#patience): Promise<PostgresClient> {
    try {
      const client = await inTime(this.#pool.connect(), patience);
      this.place ??= placeOf(client);
      if (client.binary !== true) return client;
      client.release();
    } catch (error) {
      throw new StatementError(error, false);
    }
    throw failed("the pool has the option binary, which spoils numbers and bytes; leave it out", { place: this.place });
  }

  #nameOf(sql: string): string | undefined {
    const known = this.#names.get(sql);
    if (known !== undefined || this.#names.size >= this.#named) return known;
    const name = `flashwave_${hash("sha256", sql).slice(0, 32)}`;
    this.#names.set(sql, name);
    return name;
  }
}

/** Whether `pg` gave up waiting, after the time that it was told. */
const isUnanswered = (error: unknown): boolean => error instanceof Error && error.message === "Query read timeout";

/** A pool may have no limit of its own. A connection that comes too late goes back. */
function inTime(asked: Promise<PostgresClient>, patience: number): Promise<PostgresClient> {
  return new Promise((resolve, reject) => {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      reject(noConnection(patience));
    }, patience);
    asked.then(
      (client) => {
        clearTimeout(timer);
        if (isLate) client.release();
        else resolve(client);
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}
