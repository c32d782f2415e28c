import type { ClientConfig } from "pg";
import { failed } from "../failure.ts";
import type { PostgresPool } from "./client.ts";

/** A pool that is ours to close. */
export interface OwnPool extends PostgresPool {
  end(): Promise<void>;
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
    new TimelyClient({ connectionString }); // reads it; a pool does so only when it connects
    const pool = new Pool({ ...poolSettings, connectionString, Client: TimelyClient });
    // A connection that breaks while nobody uses it has left the pool by the time that this is told.
    pool.on("error", () => {});
    return pool as unknown as OwnPool;
  } catch {
    // What was thrown may hold the string, and the string a password.
    throw failed("the connection string cannot be read; give postgres://user:password@host:5432/database");
  }
}

async function loadClient(): Promise<typeof import("pg")> {
  try {
    return (await import("pg")).default as unknown as typeof import("pg");
  } catch (cause) {
    throw failed("PostgreSQL needs the package pg: npm install pg", cause);
  }
}
