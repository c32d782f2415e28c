/** One call, as a performance log keeps it. */
export interface OperationRecord {
  /** The fleet that was asked: the path of its file, or its name in its database. */
  readonly fleet: string;
  /** `devices.page`, say. */
  readonly operation: string;
  /** Rows given or taken. */
  readonly records: number;
  /** Microseconds from the call to its answer; of a write, its commit included. */
  readonly duration: number;
  /** Epoch milliseconds at its end. */
  readonly at: number;
  /** The code it failed with. */
  readonly error?: string;
}

/** All calls of one operation so far. */
export interface OperationCounters {
  readonly operation: string;
  readonly calls: number;
  readonly errors: number;
  readonly records: number;
  /** Microseconds, all calls together. */
  readonly duration: number;
}

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] };

/** Counts what is asked of a store, and tells each call to whoever listens. */
export class Counters {
  readonly #operations = new Map<string, Mutable<OperationCounters>>();
  readonly #listener: ((record: OperationRecord) => void) | undefined;
  readonly #fleet: string;
  readonly #wall: () => number;

  constructor(fleet: string, wall: () => number, listener?: (record: OperationRecord) => void) {
    this.#fleet = fleet;
    this.#wall = wall;
    this.#listener = listener;
  }

  /** Runs and counts one call. */
  async measure<T>(operation: string, records: (result: T) => number, call: () => T | Promise<T>): Promise<T> {
    const start = performance.now();
    try {
      const result = await call();
      this.#count(operation, start, records(result), undefined);
      return result;
    } catch (error) {
      this.#count(operation, start, 0, errorCode(error));
      throw error;
    }
  }

  read(): readonly OperationCounters[] {
    return [...this.#operations.values()].map((counters) => ({ ...counters }));
  }

  #count(operation: string, start: number, records: number, error: string | undefined): void {
    const duration = 1_000 * (performance.now() - start);
    let counters = this.#operations.get(operation);
    if (counters === undefined) {
      counters = { operation, calls: 0, errors: 0, records: 0, duration: 0 };
      this.#operations.set(operation, counters);
    }
    counters.calls += 1;
    counters.errors += error === undefined ? 0 : 1;
    counters.records += records;
    counters.duration += duration;
    const [fleet, at] = [this.#fleet, this.#wall()];
    this.#tell({ fleet, operation, records, duration, at, ...(error === undefined ? {} : { error }) });
  }

  #tell(record: OperationRecord): void {
    try {
      this.#listener?.(record);
    } catch (error) {
      // A write that was committed must not look refused because somebody who watches has failed.
      queueMicrotask(() => {
        throw error;
      });
    }
  }
}

function errorCode(error: unknown): string {
  const code: unknown = (error as { readonly code?: unknown } | null)?.code;
  return typeof code === "string" ? code : "unknown";
}
