import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { RegisteredDevice, Registry } from "../src/core/registry.ts";

export interface Written {
  readonly id: string;
  readonly revision: number;
  readonly i: number;
}

/** A writer in a process of its own (`registry-writer.ts`), and what it was told is kept. */
export class Writer {
  readonly process: ChildProcess;
  #text = "";

  /** @param store the path of a file, or a connection string */
  constructor(store: string, name: string, count = 0, stderr: "inherit" | "ignore" = "inherit") {
    const file = join(import.meta.dirname, "registry-writer.ts");
    this.process = spawn(process.execPath, [file, store, name, String(count)], { stdio: ["ignore", "pipe", stderr] });
    this.process.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.#text += text;
    });
  }

  /** Whole lines alone: the last may have been cut by a kill. */
  get written(): readonly Written[] {
    const lines = this.#text.slice(0, this.#text.lastIndexOf("\n") + 1).split("\n");
    return lines.filter(Boolean).map((line) => {
      const [id = "", revision, i] = line.split(" ");
      return { id, revision: Number(revision), i: Number(i) };
    });
  }

  /** Resolves once it has written that many. */
  async hasWritten(enough: number): Promise<void> {
    while (this.written.length < enough) await once(this.process.stdout as NodeJS.ReadableStream, "data");
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
