import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { type PostgresServer, startPostgres } from "../integration/peers/postgres.ts";
import { noise } from "./peers/shared.ts";

/** What peers name as their module to be one of the Go programs: their own files and those of others they need. */
const goPrograms: Readonly<Record<string, { readonly files: readonly string[]; readonly environment?: Environment }>> =
  {
    "peers/go": { files: ["go/go.mod", "go/main.go", "go/measure.go"] },
    // Debian's golang-github-mattn-go-sqlite3-dev, which is found without a module and without a network.
    "peers/go-sqlite": {
      files: ["go-sqlite/main.go", "go/measure.go"],
      environment: { GO111MODULE: "off", GOPATH: "/usr/share/gocode", GOFLAGS: "", CGO_ENABLED: "1" },
    },
  };

type Environment = Readonly<Record<string, string>>;

export const isGo = (module: string): boolean => Object.hasOwn(goPrograms, module);

/** What trials share: files by length, Go programs, a PostgreSQL server. Made when first needed, gone at the end. */
export class Workshop implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), "flashwave-bench-"));
  readonly #files = new Map<number, string>();
  readonly #programs = new Map<string, string>();
  #server: PostgresServer | undefined;

  /** For what peers make once and keep for the whole run. */
  get folder(): string {
    return this.#folder;
  }

  file(bytes: number): string {
    let path = this.#files.get(bytes);
    if (path === undefined) {
      path = join(this.#folder, `${bytes}.bin`);
      writeFileSync(path, noise(bytes));
      this.#files.set(bytes, path);
    }
    return path;
  }

  /** @throws when it cannot be built here, with what to install */
  go(module: string): string {
    const known = this.#programs.get(module);
    if (known !== undefined) return known;
    const { files = [], environment = {} } = goPrograms[module] ?? {};
    const sources = join(this.#folder, module);
    mkdirSync(sources, { recursive: true });
    for (const file of files) copyFileSync(join(import.meta.dirname, "peers", file), join(sources, basename(file)));
    const program = join(sources, "program");
    try {
      const env = { ...process.env, ...environment };
      execFileSync("go", ["build", "-o", program, "."], { cwd: sources, env, stdio: ["ignore", "ignore", "pipe"] });
    } catch (cause) {
      const missing = module === "peers/go" ? "Go" : "golang-github-mattn-go-sqlite3-dev, or a C compiler,";
      throw new Error(`${missing} not installed`, { cause });
    }
    this.#programs.set(module, program);
    return program;
  }

  /** The connection string of a server that waits for its disk, as our files do. @throws when there is none here */
  async postgres(pinnedTo?: number): Promise<string> {
    this.#server ??= await startPostgres({ durable: true }).catch((cause: unknown) => {
      throw new Error("PostgreSQL not installed", { cause });
    });
    const { process: server } = this.#server;
    if (pinnedTo !== undefined) {
      execFileSync("taskset", ["-a", "-c", "-p", String(pinnedTo), String(server.pid)], { stdio: "ignore" });
    }
    return this.#server.url();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
