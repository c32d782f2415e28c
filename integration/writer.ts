import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { RegisteredDevice, Registry } from "../src/core/registry.ts";

export interface Written {
  readonly id: string;
  readonly revision: number;
  readonly i: number;
}

export interface WriterOptions {
  /** How many devices; 0: until it is killed. @default 0 */
  readonly count?: number;
  /** Where it keeps artifacts, beside which it writes and removes rows of all other kinds. @default devices alone */
  readonly artifacts?: string;
  /** @default "inherit" */
  readonly stderr?: "inherit" | "ignore";
}

/** A writer in a process of its own (`registry-writer.ts`), and what it was told is kept. */
export class Writer {
  readonly process: ChildProcess;
  #text = "";

  /** @param store the path of a file, or a connection string */
  constructor(store: string, name: string, { count = 0, artifacts = "", stderr = "inherit" }: WriterOptions = {}) {
    const file = join(import.meta.dirname, "registry-writer.ts");
    const given = [file, store, name, String(count), artifacts];
    this.process = spawn(process.execPath, given, { stdio: ["ignore", "pipe", stderr] });
    this.process.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.#text += text;
    });
  }

  /** Its words line by line. Whole lines alone: the last may have been cut by a kill. */
  get lines(): readonly (readonly string[])[] {
    const lines = this.#text.slice(0, this.#text.lastIndexOf("\n") + 1).split("\n");
    return lines.filter(Boolean).map((line) => line.split(" "));
  }

  /** The devices that stay. */
  get written(): readonly Written[] {
    const wrote = this.lines.filter(([verb]) => verb === "wrote");
    return wrote.map(([, id = "", revision, i]) => ({ id, revision: Number(revision), i: Number(i) }));
  }

  /** Resolves once it has written that many. */
  async hasWritten(enough: number): Promise<void> {
    const ended = once(this.process, "close").then(() => Promise.reject(new Error("the writer ended by itself")));
    ended.catch(() => {}); // it is killed later
    while (this.written.length < enough) {
      await Promise.race([once(this.process.stdout as NodeJS.ReadableStream, "data"), ended]);
    }
  }

  async ended(): Promise<number | null> {
    const [code] = this.process.exitCode === null ? await once(this.process, "close") : [this.process.exitCode];
    return code as number | null;
  }

  async kill(): Promise<readonly Written[]> {
    this.process.kill("SIGKILL");
    if (this.process.signalCode === null || this.process.stdout?.readableEnded === false) {
      await once(this.process, "close");
    }
    return this.written;
  }
}

export async function devicesOf(registry: Registry): Promise<Map<string, RegisteredDevice>> {
  const found = new Map<string, RegisteredDevice>();
  for (let after: string | undefined, first = true; first || after !== undefined; first = false) {
    const page = await registry.devices.page({}, { limit: 1_000, ...(after === undefined ? {} : { after }) });
    for (const row of page.items) found.set(row.id, row);
    after = page.next;
  }
  return found;
}

/** Reads the feed until all of `done` have ended, and on to its end. */
export async function follow(registry: Registry, from: string, done: Promise<unknown>): Promise<string[]> {
  let running = true;
  done.finally(() => {
    running = false;
  });
  const heard: string[] = [];
  for (let cursor = from, last = false; ; ) {
    const wasRunning = running;
    const read = await registry.devices.changes(cursor, { limit: 50 });
    cursor = read.cursor;
    heard.push(...read.changes.map(({ change, id }) => `${change} ${id}`));
    if (last && !read.more) return heard;
    last = !wasRunning;
    if (!read.more) await new Promise((resolve) => setImmediate(resolve));
  }
}
