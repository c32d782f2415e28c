/** A kind of write: one statement for any number of rows, one result for each, in order. */
export type Step<T, R> = (rows: readonly T[]) => Promise<readonly R[]>;

/** One write that waits for its commit. */
interface Job {
  readonly step: Step<unknown, unknown>;
  readonly rows: readonly unknown[];
  readonly acknowledge: (results: readonly unknown[]) => void;
  readonly refuse: (error: unknown) => void;
}

/** Rows that go in one statement: it holds locks, and others wait for them. */
const most = 1_000;

/**
 * Writes of many callers in one statement, one commit for all of them, in the order in which they were asked for:
 *
 *     put a     ┐
 *     put b     ├─ one statement: a · b · c ─ a, b and c are acknowledged
 *     put c     ┘
 *     observe d ─────────────────────────────── another kind: waits for the next
 *
 * A statement is a transaction of its own: a client that stops in between holds no lock. Where the server refuses a
 * statement of several writes, nothing of it was written, and each is tried by itself.
 */
export class GroupCommit {
  readonly #isRefused: (error: unknown) => boolean;
  #queue: Job[] = [];
  #running: Promise<void> | undefined;
  /** Statements committed so far. */
  commits = 0;

  /** @param isRefused whether nothing at all was written by what failed so */
  constructor(isRefused: (error: unknown) => boolean) {
    this.#isRefused = isRefused;
  }

  /** Resolves once `rows` are committed, with the results of `step`. */
  write<T, R>(step: Step<T, R>, rows: readonly T[]): Promise<readonly R[]> {
    return new Promise((resolve, reject) => {
      this.#queue.push({
        step: step as Step<unknown, unknown>,
        rows,
        acknowledge: resolve as (results: readonly unknown[]) => void,
        refuse: reject,
      });
      this.#running ??= this.#drain();
    });
  }

  /** Resolves when all that was asked for has been committed or refused. */
  async settled(): Promise<void> {
    await this.#running;
  }

  async #drain(): Promise<void> {
    // All who ask in this turn of the event loop share a commit.
    await new Promise<void>((resolve) => setImmediate(resolve));
    while (this.#queue.length > 0) await this.#commit(this.#take());
    this.#running = undefined;
  }

  #take(): readonly Job[] {
    const step = this.#queue[0]?.step;
    let [count, rows] = [0, 0];
    for (const job of this.#queue) {
      rows += job.rows.length;
      if (job.step !== step || (count > 0 && rows > most)) break;
      count += 1;
    }
    return this.#queue.splice(0, count);
  }

  async #commit(jobs: readonly Job[]): Promise<void> {
    const [first] = jobs;
    if (first === undefined) return;
    try {
      const results = await first.step(jobs.flatMap(({ rows }) => rows));
      this.commits += 1;
      let at = 0;
      for (const { rows, acknowledge } of jobs) {
        acknowledge(results.slice(at, at + rows.length));
        at += rows.length;
      }
    } catch (error) {
      if (jobs.length > 1 && this.#isRefused(error)) for (const job of jobs) await this.#commit([job]);
      else for (const { refuse } of jobs) refuse(error);
    }
  }
}
