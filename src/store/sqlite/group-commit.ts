import type { BusyPolicy } from "./busy.ts";
import { whileBusy } from "./busy.ts";
import type { Connection } from "./connection.ts";

/** One write that waits for its commit. */
interface Job {
  /** All its statements, in one go. */
  run(): void;
  acknowledge(): void;
  refuse(error: unknown): void;
}

/** What happens around a transaction, inside it. */
export interface TransactionHooks {
  /** After BEGIN. */
  begin(): void;
  /** Before COMMIT. */
  end(): void;
  /** Before each write; returns what undoes its part. */
  mark(): () => void;
}

/** Milliseconds of writes after which a transaction ends and the event loop has its turn. */
const longest = 8;

/**
 * Writes of many callers in one transaction, one fsync for all of them:
 *
 *     write a ┐
 *     write b ├─ BEGIN IMMEDIATE · a · b · c · COMMIT (fsync) ─ a, b and c are acknowledged
 *     write c ┘
 *     write d ──────────────────────────────────────────────── waits for the next
 *
 * A write that throws takes back its own part alone. Nothing is acknowledged before its commit has returned, and a commit that failed is never tried again:
 * after a failed fsync nobody knows what the disk holds.
 */
export class GroupCommit {
  readonly #connection: Connection;
  readonly #hooks: TransactionHooks;
  readonly #busy: BusyPolicy;
  readonly #check: () => void;
  #queue: Job[] = [];
  #running: Promise<void> | undefined;
  /** Transactions committed so far. */
  commits = 0;

  /** @param check throws where what is committed does not stay; called after each commit, before it is acknowledged */
  constructor(connection: Connection, hooks: TransactionHooks, busy: BusyPolicy, check: () => void) {
    this.#connection = connection;
    this.#hooks = hooks;
    this.#busy = busy;
    this.#check = check;
  }

  /** Resolves once `work` is committed, with what it returned. */
  write<T>(work: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      let result: T;
      this.#queue.push({
        run() {
          result = work();
        },
        acknowledge: () => resolve(result),
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
    while (this.#queue.length > 0) {
      // All who ask in this turn of the event loop share a commit.
      await new Promise<void>((resolve) => setImmediate(resolve));
      await this.#transact();
    }
    this.#running = undefined;
  }

  async #transact(): Promise<void> {
    try {
      await whileBusy(this.#busy, () => this.#connection.run("BEGIN IMMEDIATE"));
      this.#hooks.begin();
    } catch (error) {
      rollBack(this.#connection);
      for (const job of this.#queue.splice(0)) job.refuse(error);
      return;
    }
    const done: Job[] = [];
    try {
      this.#runJobs(done);
      this.#hooks.end();
      this.#connection.run("COMMIT");
      this.commits += 1;
      this.#check();
      for (const job of done) job.acknowledge();
    } catch (error) {
      rollBack(this.#connection);
      for (const job of done) job.refuse(error);
    }
  }

  /** @param done takes the writes that are part of the transaction */
  #runJobs(done: Job[]): void {
    const end = performance.now() + longest;
    const isAlone = this.#queue.length === 1;
    let taken = 0;
    try {
      while (taken < this.#queue.length && (taken === 0 || performance.now() < end)) {
        const job = this.#queue[taken] as Job;
        taken += 1;
        this.#runJob(job, done, isAlone);
      }
    } finally {
      this.#queue = this.#queue.slice(taken);
    }
  }

  /**
   * @param isAlone whether it is the whole transaction, which then goes back to its beginning: within a savepoint SQLite
   * keeps what was there before each change until the end, and each statement that keeps some goes through all of it
   */
  #runJob(job: Job, done: Job[], isAlone: boolean): void {
    let undo: (() => void) | undefined;
    let isMarked = false;
    try {
      undo = this.#hooks.mark();
      if (!isAlone) {
        this.#connection.run("SAVEPOINT job");
        isMarked = true;
      }
      job.run();
      if (isMarked) this.#connection.run("RELEASE job");
      done.push(job);
    } catch (error) {
      job.refuse(error);
      // A full disk or a failed read has rolled back the whole transaction already: all in it are lost.
      if (isAlone || !this.#connection.database.isTransaction) throw error;
      if (isMarked) {
        this.#connection.run("ROLLBACK TO job");
        this.#connection.run("RELEASE job");
      }
      undo?.();
    }
  }
}

function rollBack(connection: Connection): void {
  try {
    if (connection.database.isTransaction) connection.run("ROLLBACK");
  } catch {
    // The error that led here says more; closing the connection rolls back too.
  }
}
