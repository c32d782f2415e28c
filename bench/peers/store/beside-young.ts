import { readFileSync } from "node:fs";
import { getHeapSpaceStatistics } from "node:v8";
import type { Counts } from "../../types.ts";

/**
 * The peak of anonymous memory less V8's young generation, above its value at the start.
 *
 * V8 doubles its young generation, up to a bound of its own (57 MB resident), whenever as many bytes as it has have
 * outlived a collection, in all: a long enough run of anything widens it, however little is held at once. Pages of a mapped
 * file are the system's to take back. What is left is what a program answers for: its heap, its buffers, its caches.
 */
export class BesideYoung {
  readonly #start = besideYoung();
  // Not more often: to be asked for its spaces makes V8 close the page that it allocates from.
  readonly #watch = setInterval(() => this.#look(), 50);
  #peak = this.#start;

  end(): Counts {
    clearInterval(this.#watch);
    this.#look();
    return { [besideYoungCount]: this.#peak - this.#start };
  }

  #look(): void {
    this.#peak = Math.max(this.#peak, besideYoung());
  }
}

const besideYoungCount = "own peak +";

function besideYoung(): number {
  const young = getHeapSpaceStatistics().find(({ space_name }) => space_name === "new_space");
  return anonymous() - (young?.physical_space_size ?? 0);
}

/** `RssAnon` of proc_pid_status(5); elsewhere all that is resident. */
function anonymous(): number {
  try {
    const [, kib] = /RssAnon:\s+(\d+) kB/.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
    if (kib !== undefined) return Number(kib) * 1_024;
  } catch {
    // Not Linux.
  }
  return process.memoryUsage.rss();
}
