/** A value that PostgreSQL is given: lists are arrays, bytes are Buffers, JSON is text. */
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
}

/** What is used of a pool: a `Pool` of `pg` is one. */
export interface PostgresPool {
  connect(): Promise<PostgresClient>;
}
