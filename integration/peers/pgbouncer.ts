import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { answering, freePort, nobody, type PostgresServer, password, writeFile } from "./postgres.ts";

/** A real PgBouncer in a process of its own, between its users and one connection to a server. */
export interface Pooler extends AsyncDisposable {
  /** Of the database `postgres` behind it. */
  readonly url: string;
}

/** @param mode for how long a user has the one connection */
export async function startPooler(
  program: string,
  server: PostgresServer,
  mode: "session" | "transaction" | "statement",
  connections = 1,
): Promise<Pooler> {
  const folder = mkdtempSync(join(tmpdir(), "flashwave-pgbouncer-"));
  chmodSync(folder, 0o755); // it refuses to run as root
  const port = await freePort();
  const login = `host=127.0.0.1 port=${server.port} user=postgres password='${password}'`;
  writeFile(
    join(folder, "pgbouncer.ini"),
    `[databases]
postgres = ${login}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = ${mode}
default_pool_size = ${connections}
`,
  );
  const child = spawn(program, ["-q", join(folder, "pgbouncer.ini")], { stdio: "ignore", ...nobody });
  const url = `postgres://anybody@127.0.0.1:${port}/postgres`;
  await answering(url, child);
  return {
    url,
    async [Symbol.asyncDispose]() {
      const ended = once(child, "exit");
      if (child.kill("SIGKILL")) await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
