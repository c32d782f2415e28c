/** Anything that can be walked once, now or later. */
export type Walk<T> = Iterable<T> | AsyncIterable<T>;

/** How one piece of work says that it only waits, and takes up no room meanwhile. */
export interface Parking {
  park(): void;
  unpark(): void;
}

/** Parked pieces of work in one run: each is a few hundred bytes, and what is walked may be endless. */
const mostParked = 16_384;

/**
 * Runs `work` over everything in `items`, at most `concurrency` at a time, and yields the results as they come.
 * Results that nobody takes hold back new work. What `items` throws is thrown after the results of all that had begun. Ending the iteration early calls `abort` and waits for what is under way.
 */
export async function* mapConcurrent<T, R>(
  items: Walk<T>,
  concurrency: number,
  work: (item: T, parking: Parking) => Promise<R>,
  abort: () => void,
): AsyncGenerator<R, void> {
  const feed = openFeed(items);
  const ready: R[] = [];
  let taken = 0;
  let running = 0;
  let parked = 0;
  let failure: { readonly error: unknown } | undefined;
  let wake: () => void = nothing;
  const sleep = () =>
    new Promise<void>((resolve) => {
      wake = resolve;
    });
  const parking: Parking = {
    park: () => {
      parked++;
      wake();
    },
    unpark: () => {
      parked--;
    },
  };
  const hasRoom = () => running - parked + ready.length - taken < concurrency && parked < mostParked;
  const start = (item: T) => {
    running++;
    work(item, parking)
      .then(
        (result) => ready.push(result),
        (error: unknown) => {
          failure ??= { error };
        },
      )
      .finally(() => {
        running--;
        wake();
      });
  };
  try {
    for (;;) {
      while (failure === undefined && hasRoom()) {
        const step = feed.pull(() => wake());
        if (step === undefined) break;
        start(step.value);
      }
      failure ??= feed.failure;
      if (taken < ready.length) {
        const result = ready[taken++] as R;
        if (taken === ready.length) taken = ready.length = 0;
        yield result;
      } else if (running > 0 || (failure === undefined && !feed.ended)) await sleep();
      else if (failure !== undefined) throw failure.error;
      else return;
    }
  } finally {
    if (running > 0) abort();
    while (running > 0) await sleep();
    await feed.close();
  }
}

const nothing = () => {};

interface Feed<T> {
  readonly ended: boolean;
  readonly failure: { readonly error: unknown } | undefined;
  /** The next item, or nothing when there is none (yet): `onReady` is called once that has changed. */
  pull(onReady: () => void): { readonly value: T } | undefined;
  close(): Promise<void>;
}

/** One way to walk both kinds. A plain iterable is walked without an await: a large fleet costs no turns of the loop. */
function openFeed<T>(items: Walk<T>): Feed<T> {
  return Symbol.asyncIterator in items
    ? new AsyncFeed(items[Symbol.asyncIterator]())
    : new PlainFeed(items[Symbol.iterator]());
}

class PlainFeed<T> implements Feed<T> {
  readonly #iterator: Iterator<T>;
  ended = false;
  failure: { readonly error: unknown } | undefined;

  constructor(iterator: Iterator<T>) {
    this.#iterator = iterator;
  }

  pull(): { readonly value: T } | undefined {
    if (this.ended) return undefined;
    try {
      const step = this.#iterator.next();
      if (!step.done) return step;
    } catch (error) {
      this.failure = { error };
    }
    this.ended = true;
    return undefined;
  }

  async close(): Promise<void> {
    if (!this.ended) this.#iterator.return?.();
  }
}

class AsyncFeed<T> implements Feed<T> {
  readonly #iterator: AsyncIterator<T>;
  #pulled: { readonly value: T } | undefined;
  #pulling = false;
  ended = false;
  failure: { readonly error: unknown } | undefined;

  constructor(iterator: AsyncIterator<T>) {
    this.#iterator = iterator;
  }

  pull(onReady: () => void): { readonly value: T } | undefined {
    const pulled = this.#pulled;
    if (pulled !== undefined) {
      this.#pulled = undefined;
      return pulled;
    }
    if (!this.ended && !this.#pulling) this.#fetch(onReady);
    return undefined;
  }

  #fetch(onReady: () => void): void {
    this.#pulling = true;
    this.#iterator
      .next()
      .then(
        (step) => {
          if (step.done) this.ended = true;
          else this.#pulled = { value: step.value };
        },
        (error: unknown) => {
          this.failure = { error };
          this.ended = true;
        },
      )
      .finally(() => {
        this.#pulling = false;
        onReady();
      });
  }

  async close(): Promise<void> {
    if (!this.ended) await this.#iterator.return?.();
  }
}
