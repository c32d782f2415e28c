/** A reader in a thread of its own. It is sent a number of operations, and answers once they are done. */
import { getHeapStatistics } from "node:v8";
import { parentPort, workerData } from "node:worker_threads";
import type { Operation } from "../../types.ts";
import { openSqlite } from "./open.ts";
import { operations } from "./operations.ts";
import type { Filled } from "./work.ts";

export interface Assignment {
  readonly root: string;
  readonly path: string;
  readonly operation: Operation;
  readonly filled: Filled;
}

export interface Answer {
  readonly errors: number;
  /** Waits for a lock that somebody else held. */
  readonly busy: number;
  readonly heapBytes: number;
}

const { root, path, operation, filled } = workerData as Assignment;
const registry = await openSqlite(root, path);
const operate = (await operations(registry.profiles, filled))[operation];
if (operate === undefined) throw new Error(`There is no ${operation} of profiles.`);

parentPort?.on("message", async (ops: number) => {
  const busy = registry.statistics().busyWaits;
  const heap = getHeapStatistics().total_allocated_bytes;
  let errors = 0;
  for (let index = 0; index < ops; index++) {
    try {
      await operate(index);
    } catch {
      errors += 1;
    }
  }
  const answer: Answer = {
    errors,
    busy: registry.statistics().busyWaits - busy,
    heapBytes: getHeapStatistics().total_allocated_bytes - heap,
  };
  parentPort?.postMessage(answer);
});
parentPort?.postMessage("ready");
