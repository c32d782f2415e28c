import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll } from "vitest";
import { describePostgres, type PostgresServer, startPostgres } from "../../../integration/peers/postgres.ts";
import type { Registry } from "../../core/registry.ts";
import type { OpenOptions } from "../driver.suite.ts";
import { testRegistry } from "../registry.suite.ts";
import { openPostgresRegistry } from "./index.ts";

describePostgres("PostgreSQL", () => {
  const folder = mkdtempSync(join(tmpdir(), "flashwave-fleets-"));
  const opened = new WeakMap<Registry, { readonly fleet: string; readonly options: OpenOptions }>();
  let server: PostgresServer;
  let pool: pg.Pool; // one for all fleets: to connect costs more than most of these tests
  let fleets = 0;

  beforeAll(async () => {
    server = await startPostgres();
    pool = new pg.Pool({ connectionString: server.url(), max: 4 });
  }, 120_000);
  afterAll(async () => {
    await pool.end();
    await server[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  async function open(fleet: string, options: OpenOptions): Promise<Registry> {
    const registry = await openPostgresRegistry(pool, { ...options, fleet, artifacts: join(folder, fleet) });
    opened.set(registry, { fleet, options });
    return registry;
  }

  testRegistry({
    driver: "postgres",
    async open(options = {}) {
      fleets += 1;
      return open(`fleet-${fleets}`, options);
    },
    async reopen(registry) {
      const { fleet = "", options = {} } = opened.get(registry) ?? {};
      await registry[Symbol.asyncDispose]();
      return open(fleet, options);
    },
    runs: 6,
  });
});
