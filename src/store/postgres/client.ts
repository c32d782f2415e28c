/** A value that PostgreSQL is given: lists are arrays, bytes are Buffers, JSON is text or its bytes. */
export type Parameter = string | number | boolean | null | Uint8Array | readonly string[] | readonly number[];

/** A row as a list of its columns. */
export type Row = readonly unknown[];

/** One statement, as `pg` takes it. */
export interface PostgresQuery {
  readonly text: string;
  readonly values?: readonly unknown[];
  /** Statements with a name are parsed once per connection. */
  readonly name?: string;
  readonly rowMode?: "array";
  readonly types?: { getTypeParser(type: number, format?: string): (value: string) => unknown };
  /** Milliseconds after which its answer is no longer waited for. */
  readonly query_timeout?: number;
}

/** What is used of a connection: a `PoolClient` of `pg` is one. */
export interface PostgresClient {
  query(query: PostgresQuery): Promise<{ readonly rows: readonly unknown[] }>;
  /** @param broken takes it out of the pool */
  release(broken?: boolean): void;
  on(event: "error", listener: (error: Error) => void): unknown;
  off(event: "error", listener: (error: Error) => void): unknown;
  /** Where it leads, for what an error says: as `pg` has it. */
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly database?: string | undefined;
  /** The server's own number of the connection. */
  readonly processID?: number | null | undefined;
  /** Whether `pg` was told to have values in the server's binary form, which it takes for text and spoils. */
  readonly binary?: boolean | undefined;
}

/** A server and its database in one word, `db.example:5432/fleets`; nothing of a login. */
export function placeOf({
  host,
  port,
  database,
}: Pick<PostgresClient, "host" | "port" | "database">): string | undefined {
  if (typeof host !== "string" || host === "") return undefined;
  return `${host.includes(":") ? `[${host}]` : host}:${port}/${database}`;
}

/** What is used of a pool: a `Pool` of `pg` is one. */
export interface PostgresPool {
  connect(): Promise<PostgresClient>;
}
