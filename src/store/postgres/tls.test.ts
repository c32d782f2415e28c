import { readFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import {
  describePostgres,
  type PostgresServer,
  startPostgres,
  writeFile,
} from "../../../integration/peers/postgres.ts";
import { createCertificateAuthority } from "../../../mocks/index.ts";
import { Database, type PostgresPool } from "./index.ts";

const schema = { name: "own", migrations: ["CREATE TABLE own.t (n int4)"] };

describePostgres("a server with TLS", () => {
  const authority = createCertificateAuthority();
  let server: PostgresServer;
  let ca = "";

  beforeAll(async () => {
    server = await startPostgres({ tls: authority.issue({ hosts: ["127.0.0.1"] }) });
    ca = join(server.folder, "ca.pem");
    writeFile(ca, authority.cert);
    const rules = join(server.folder, "data/pg_hba.conf");
    writeFile(rules, readFileSync(rules, "utf8").replaceAll(/^host /gm, "hostssl "));
    while (await comesWithout()); // until the server has read its rules
  }, 120_000);
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });

  /** Whether a connection without TLS is taken; has the server read its rules again. */
  const comesWithout = async () => {
    const client = new pg.Client(server.url());
    try {
      await client.connect();
      await client.query("SELECT pg_reload_conf()");
      return true;
    } catch {
      return false;
    } finally {
      await client.end();
    }
  };

  const isEncrypted = async (to: string | PostgresPool) => {
    const database = await Database.open(to, { schema });
    try {
      return (await database.all("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"))[0]?.[0];
    } finally {
      await database.close();
    }
  };

  it("is spoken to where its authority is known: from the connection string, or from the caller's pool", async () => {
    expect(await isEncrypted(`${server.url()}?sslmode=verify-full&sslrootcert=${ca}`)).toBe(true);
    const pool = new pg.Pool({ connectionString: server.url(), ssl: { ca: authority.cert } });
    expect(await isEncrypted(pool)).toBe(true);
    await pool.end();
  });

  it("is spoken to without pg's warning where other modes are named that pg verifies in full, too", async () => {
    const warned = vi.spyOn(process, "emitWarning");
    for (const mode of ["require", "prefer", "verify-ca"]) {
      expect(await isEncrypted(`${server.url()}?sslmode=${mode}&sslrootcert=${ca}`)).toBe(true);
    }
    expect(await isEncrypted(`${server.url()}?uselibpqcompat=true&sslmode=require`)).toBe(true); // unverified, as asked for
    expect(warned.mock.calls).toEqual([]);
    warned.mockRestore();
  });

  it.each([
    ["nobody vouches for, where TLS is required", (url: string) => `${url}?sslmode=require`, "nobody we know vouches"],
    ["nobody vouches for", (url: string) => `${url}?sslmode=verify-full`, "nobody we know vouches"],
    // libpq would take any certificate then.
    ["nobody vouches for, with TLS no more than required", (url: string) => `${url}?sslmode=require`, "nobody we know"],
    [
      "is another host's",
      (url: string) => `${url.replace("127.0.0.1", "localhost")}?sslmode=verify-full&sslrootcert=${ca}`,
      "another host's",
    ],
  ])("is refused, and given no login, where its certificate %s", async (_, change, words) => {
    await expect(isEncrypted(change(server.url()))).rejects.toMatchObject({
      code: "registry_failed",
      retryable: false,
      message: expect.stringMatching(new RegExp(`^"(127.0.0.1|localhost):\\d+/postgres": .*${words}.*; .`)),
    });
  });

  it("refuses who comes without, and the error says so", async () => {
    await expect(isEncrypted(server.url())).rejects.toMatchObject({
      code: "registry_failed",
      retryable: false,
      message: expect.stringContaining("which may ask for TLS"),
    });
  });
});
