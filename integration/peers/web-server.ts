import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createReadStream } from "node:fs";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { setTimeout as pause } from "node:timers/promises";

/** The one user that these servers know. */
export const user = "admin";
export const password = "correct horse battery staple";
export const realm = "lab";
/** And the one token. */
export const token = "lab-t0ken";

/** A real web server on loopback, in a folder of its own: its configuration, its logs and what it serves. */
export interface WebServer extends AsyncDisposable {
  readonly port: number;
  /** `http://127.0.0.1:…`, or https. */
  readonly url: string;
  /** Length and SHA-256 of a file that it serves, or nothing where there is none. */
  file(path: string): Promise<{ readonly length: number; readonly digest: string } | undefined>;
  /** Puts a file there. */
  put(path: string, text: string | Uint8Array): Promise<void>;
  /** Its log of faults so far. */
  log(): Promise<string>;
}

export interface WebServerOptions {
  readonly program: string;
  readonly scheme?: "http" | "https";
  /** Folders below what is served. */
  readonly folders: readonly string[];
  /** Files of its own by name, given its folder and port. */
  readonly files: (folder: string, port: number) => Readonly<Record<string, string>>;
  readonly arguments: (folder: string) => readonly string[];
}

/** Starts a server in the foreground and waits until it takes connections. It is ended by its process id. */
export async function startWebServer(options: WebServerOptions): Promise<WebServer> {
  const folder = await mkdtemp(join(tmpdir(), "flashwave-peer-"));
  const port = await freePort();
  for (const name of ["www", "temporary", ...options.folders.map((name) => join("www", name))]) {
    await mkdir(join(folder, name), { recursive: true });
    // A server that is started as root may write as somebody else.
    await chmod(join(folder, name), 0o777);
  }
  await chmod(folder, 0o777);
  for (const [name, text] of Object.entries(options.files(folder, port))) await writeFile(join(folder, name), text);
  const server = spawn(options.program, options.arguments(folder), { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  server.stderr.on("data", (piece: Buffer) => {
    said += piece.toString("utf8");
  });
  const stop = async () => {
    await ended(server);
    await rm(folder, { recursive: true, force: true });
  };
  const log = async () => said + (await readFile(join(folder, "error.log"), "utf8").catch(() => ""));
  try {
    await untilListening(server, port);
  } catch (error) {
    const told = await log();
    await stop();
    throw new Error(`${options.program} did not start: ${told}`, { cause: error });
  }
  return {
    port,
    url: `${options.scheme ?? "http"}://127.0.0.1:${port}`,
    file: (path) => digested(join(folder, "www", path)),
    async put(path, text) {
      const file = join(folder, "www", path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, text);
    },
    log,
    [Symbol.asyncDispose]: stop,
  };
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port was given");
  return address.port;
}

async function untilListening(server: ChildProcess, port: number): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    if (server.exitCode !== null || server.signalCode !== null) throw new Error("it ended");
    const socket = connect(port, "127.0.0.1");
    const open = await Promise.race([
      once(socket, "connect").then(() => true),
      once(socket, "close").then(() => false),
    ]).catch(() => false);
    socket.destroy();
    if (open) return;
    await pause(20);
  }
  throw new Error("it takes no connections");
}

async function ended(server: ChildProcess): Promise<void> {
  if (server.pid === undefined || server.exitCode !== null || server.signalCode !== null) return;
  const exit = once(server, "exit");
  server.kill("SIGTERM");
  const forced = setTimeout(() => server.kill("SIGKILL"), 5_000);
  await exit;
  clearTimeout(forced);
}

async function digested(path: string): Promise<{ readonly length: number; readonly digest: string } | undefined> {
  const hash = createHash("sha256");
  let length = 0;
  try {
    await pipeline(createReadStream(path), async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) {
        hash.update(chunk);
        length += chunk.length;
      }
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  return { length, digest: hash.digest("hex") };
}
