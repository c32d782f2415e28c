import type { ClientConfig } from "pg";
import { failed } from "../failure.ts";
import { type PostgresPool, placeOf } from "./client.ts";

/** A pool that is ours to close. */
export interface OwnPool extends PostgresPool {
  end(): Promise<void>;
  /** The server and its database. */
  readonly place: string | undefined;
}

/**
 * What our own pool is set to. Ten connections, so that four processes fit the hundred that PostgreSQL gives by default.
 */
export const poolSettings: Readonly<Record<string, number | string | boolean>> = Object.freeze({
  max: 10,
  /** Milliseconds a call waits for a connection, a new one included. */
  connectionTimeoutMillis: 10_000,
  idleTimeoutMillis: 300_000,
  maxLifetimeSeconds: 1_800,
  keepAlive: true,
  application_name: "flashwave",
});

/** Milliseconds in which a new connection must stand, login included. */
export const connectTimeout = 5_000;

/** @throws `registry_failed` when `pg` is not installed, or when the connection string is none */
export async function openPool(connectionString: string): Promise<OwnPool> {
  const { Pool, Client } = await loadClient();
  class TimelyClient extends Client {
    constructor(config?: ClientConfig) {
      super({ ...config, connectionTimeoutMillis: connectTimeout });
    }
  }
  try {
    connectionString = verified(connectionString);
    const read = new TimelyClient({ connectionString }); // a pool reads it only when it connects
    const pool = new Pool({ ...poolSettings, connectionString, Client: TimelyClient });
    // A connection that breaks while nobody uses it has left the pool by the time that this is told.
    pool.on("error", () => {});
    const place = isMisread(connectionString) ? undefined : placeOf(read);
    return { place, connect: () => pool.connect(), end: () => pool.end() };
  } catch (error) {
    // What was thrown may hold the string, and the string a password.
    throw failed(unreadable((error as NodeJS.ErrnoException).code));
  }
}

/**
 * `pg` 8 verifies in full for `sslmode=prefer`, `require` and `verify-ca` too, warns on stderr that 9 will not, and says to
 * ask for what is done. Whoever asks for libpq's own, weaker meaning (`uselibpqcompat`) has it.
 */
const verified = (connectionString: string): string =>
  /[?&]uselibpqcompat=true(&|$)/.test(connectionString)
    ? connectionString
    : connectionString.replace(/([?&]sslmode=)(prefer|require|verify-ca)(?=&|$)/g, "$1verify-full");

/** Whether a password that was not encoded may have been read as a host, a port or a database: nobody is to be told them. */
const isMisread = (connectionString: string): boolean => /^[^/]*\/\/[^/?#]*[/?#].*@/s.test(connectionString);

const unreadable = (code: string | undefined): string =>
  code === "ENOENT" || code === "EACCES"
    ? `a certificate or key that the connection string names cannot be read (${code}); check its path`
    : "the connection string cannot be read; give postgres://user:password@host:5432/database";

async function loadClient(): Promise<typeof import("pg")> {
  try {
    return (await import("pg")).default as unknown as typeof import("pg");
  } catch (cause) {
    throw failed("PostgreSQL needs the package pg: npm install pg", { cause });
  }
}
