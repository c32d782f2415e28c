import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mapConcurrent } from "./map-concurrent.ts";

const never = () => {
  throw new Error("nothing was to be aborted");
};

async function* later<T>(items: readonly T[]): AsyncGenerator<T, void> {
  for (const item of items) {
    await new Promise(setImmediate);
    yield item;
  }
}

async function collect<R>(results: AsyncIterable<R>): Promise<R[]> {
  const all: R[] = [];
  for await (const result of results) all.push(result);
  return all;
}

describe("mapConcurrent", () => {
  it("works on everything once, never on more than the limit", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(3), { maxLength: 40 }),
        fc.integer({ min: 1, max: 8 }),
        fc.boolean(),
        async (turns, limit, plain) => {
          let running = 0;
          let most = 0;
          const items = turns.map((wait, index) => ({ wait, index }));
          const work = async ({ wait, index }: { wait: number; index: number }) => {
            most = Math.max(most, ++running);
            for (let turn = 0; turn < wait; turn++) await new Promise(setImmediate);
            running--;
            return index;
          };
          const results = await collect(mapConcurrent(plain ? items : later(items), limit, work, never));
          expect(results.toSorted((a, b) => a - b)).toEqual(items.map((item) => item.index));
          expect(most).toBeLessThanOrEqual(limit);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("yields what is done while the source is slow", async () => {
    const gate = Promise.withResolvers<void>();
    async function* slow() {
      yield 1;
      await gate.promise;
      yield 2;
    }
    const results = mapConcurrent(slow(), 4, async (item) => item, never);
    expect(await results.next()).toEqual({ done: false, value: 1 });
    gate.resolve();
    expect(await collect(results)).toEqual([2]);
  });

  it("starts nothing ahead of a consumer that does not take", async () => {
    let started = 0;
    const results = mapConcurrent(Array(100).keys(), 3, async (item) => started++ && item, never);
    await results.next();
    for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
    expect(started).toBeLessThanOrEqual(4);
    await results.return();
  });

  it.each(["plain", "async"])("throws what a %s source throws, after what is under way", async (kind) => {
    function* broken() {
      yield 1;
      throw new Error("source");
    }
    async function* brokenLater() {
      yield* broken();
    }
    const seen: number[] = [];
    const results = mapConcurrent(
      kind === "plain" ? broken() : brokenLater(),
      2,
      async (item) => seen.push(item),
      () => {},
    );
    await expect(collect(results)).rejects.toThrow("source");
    expect(seen).toEqual([1]);
  });

  it("hands over what is under way before it throws what its source throws", async () => {
    const held = Promise.withResolvers<string>();
    async function* broken() {
      yield "device";
      setImmediate(() => held.resolve("updated"));
      throw new Error("source");
    }
    let aborted = 0;
    const seen: string[] = [];
    const walk = async () => {
      for await (const result of mapConcurrent(
        broken(),
        2,
        () => held.promise,
        () => aborted++,
      ))
        seen.push(result);
    };
    await expect(walk()).rejects.toThrow("source");
    expect({ seen, aborted }).toEqual({ seen: ["updated"], aborted: 0 });
  });

  it("throws what the work throws, and closes the source", async () => {
    let closed = 0;
    function* source() {
      try {
        for (;;) yield 1;
      } finally {
        closed++;
      }
    }
    const results = mapConcurrent(
      source(),
      2,
      () => Promise.reject(new Error("work")),
      () => {},
    );
    await expect(collect(results)).rejects.toThrow("work");
    expect(closed).toBe(1);
  });

  it("aborts and awaits what is under way when it is left", async () => {
    const held = Promise.withResolvers<number>();
    let aborted = 0;
    const results = mapConcurrent(
      [1, 2, 3],
      2,
      (item) => (item === 1 ? Promise.resolve(1) : held.promise),
      () => {
        aborted++;
        held.resolve(0);
      },
    );
    for await (const result of results) {
      expect(result).toBe(1);
      break;
    }
    expect(aborted).toBe(1);
  });
});
