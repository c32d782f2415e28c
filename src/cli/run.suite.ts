import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DeviceServer, type DeviceServerOptions, startDeviceServer, writeFirmware } from "../../mocks/index.ts";
import { main as commandLine } from "./program.ts";

const main = join(import.meta.dirname, "main.ts");
/** A process spends most of its time on making JavaScript of this: the first one does it for all. */
const compiled = join(import.meta.dirname, "../../node_modules/.cache/flashwave-tests");

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/**
 * Runs the command line as its users do: a process of its own, which must end by itself.
 * @param onStart what is done to it; its standard input is then left open
 */
export function run(
  args: readonly string[],
  onStart?: (child: ChildProcess) => void,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Ended> {
  const child = spawn(process.execPath, [main, ...args], {
    env: { NODE_COMPILE_CACHE: compiled, ...env },
    stdio: ["pipe", "pipe", "pipe"],
    timeout: 50_000,
  });
  let out = "";
  let err = "";
  child.stdout.setEncoding("utf8").on("data", (text) => {
    out += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text) => {
    err += text;
  });
  if (onStart === undefined) child.stdin.end();
  else onStart(child);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, out, err }));
  });
}

/** The same in this process: for what ends by itself anyway, where many command lines are tried. */
export async function runHere(args: readonly string[]): Promise<Ended> {
  const told = { out: "", err: "" };
  const stream = (name: "out" | "err") => ({
    on: () => {},
    write: (text: string) => {
      told[name] += text;
    },
  });
  const host = { on: () => {}, off: () => {}, exit: () => {}, stdout: stream("out"), stderr: stream("err") };
  const code = await commandLine({ ...host, argv: [process.execPath, main, ...args] });
  return { code, ...told };
}

/** The results of `--json`, by device. */
export function documentsOf({ out }: Ended): ReturnType<typeof JSON.parse>[] {
  const documents = out
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  return documents.toSorted((a, b) => a.device.localeCompare(b.device));
}

/** What one test needs: devices to speak to and an image to send. */
export class Rig implements AsyncDisposable {
  readonly #undo = new AsyncDisposableStack();

  async device(options: DeviceServerOptions = {}): Promise<DeviceServer> {
    return this.#undo.use(await startDeviceServer(options));
  }

  async directory(): Promise<string> {
    const directory = await mkdtemp(join(tmpdir(), "flashwave-cli-"));
    this.#undo.defer(() => rm(directory, { recursive: true, force: true }));
    return directory;
  }

  /** The path of an image of version 2.0.0, in a directory of its own. */
  async image(): Promise<string> {
    const directory = await this.directory();
    return (await writeFirmware(join(directory, "fw.bin"), { version: "2.0.0", length: 300_000 })).path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#undo.disposeAsync();
  }
}

/** Haste for tests: what is proven is the order of things. */
export const hasty: readonly string[] = ["--deadline", "2s", "--stable-for", "20ms"];
