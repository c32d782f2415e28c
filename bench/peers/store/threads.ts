import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { SqliteRegistry } from "../../../src/registry/sqlite/index.ts";
import type { Context, Runner, Told } from "../../types.ts";
import { Folder, openSqlite } from "./open.ts";
import type { Answer, Assignment } from "./thread-main.ts";
import { type Filled, fill, profileId } from "./work.ts";

/** As many threads as are in flight, each with a registry of its own: on a file of its own, or all on one, written or not. */
export async function prepare({ parameters, root }: Context): Promise<Runner> {
  const { inFlight, operation = "page", profiles = 1_000, variant } = parameters;
  const folder = new Folder();
  const files = Array.from({ length: variant === "private" ? inFlight : 1 }, (_, i) => folder.file(`${i}.db`));
  const filled: Filled[] = [];
  for (const file of files) {
    await using registry = await openSqlite(root, file);
    filled.push(await fill(registry, profiles));
  }
  const threads = await Promise.all(
    Array.from({ length: inFlight }, (_, i) => {
      const at = i % files.length;
      return Thread.start({ root, operation, path: files[at] ?? "", filled: filled[at] as Filled });
    }),
  );
  const writer = variant === "written" ? await openSqlite(root, files[0] ?? "") : undefined;
  return {
    run: (ops) => round(threads, ops, writer),
    close: async () => {
      await writer?.[Symbol.asyncDispose]();
      await Promise.all(threads.map((thread) => thread.close()));
      folder[Symbol.dispose]();
    },
  };
}

async function round(threads: readonly Thread[], ops: number, writer: SqliteRegistry | undefined): Promise<Told> {
  const share = Math.ceil(ops / threads.length);
  const reading = Promise.all(threads.map((thread) => thread.ask(share)));
  const commits = writer === undefined ? 0 : await writeUntil(writer, reading);
  const answers = await reading;
  const sum = (name: keyof Answer): number => answers.reduce((total, answer) => total + answer[name], 0);
  const counts = { errors: sum("errors"), "busy waits": sum("busy"), ...(writer && { "commits beside": commits }) };
  return { ops: share * threads.length, heapBytes: sum("heapBytes"), counts };
}

/** Writes to the readers' file all the while, a commit and then a millisecond of nothing. */
async function writeUntil(writer: SqliteRegistry, reading: Promise<unknown>): Promise<number> {
  let isReading = true;
  const stop = (): void => {
    isReading = false;
  };
  reading.then(stop, stop);
  let commits = 0;
  for (; isReading; commits++) {
    await writer.profiles.put([{ id: `beside-${commits % 10}`, name: "Beside", parent: profileId(0) }]);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return commits;
}

class Thread {
  readonly #worker: Worker;

  private constructor(worker: Worker) {
    this.#worker = worker;
  }

  static async start(assignment: Assignment): Promise<Thread> {
    const worker = new Worker(new URL("thread-main.ts", import.meta.url), { workerData: assignment });
    await once(worker, "message");
    return new Thread(worker);
  }

  async ask(ops: number): Promise<Answer> {
    const answer = once(this.#worker, "message");
    this.#worker.postMessage(ops);
    const [told] = (await answer) as [Answer];
    return told;
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}
