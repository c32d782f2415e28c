import fc from "fast-check";
import { expect, test } from "vitest";
import type { Clock } from "../core/clock.ts";
import type { Pace } from "../core/transport.ts";
import { createVirtualClock } from "../testing/virtual-clock.ts";
import { combinePaces, createPace } from "./rate-limit.ts";

function pace(bytesPerSecond: number, burst: number, clock: Clock): Pace {
  const made = createPace({ bytesPerSecond, burst, clock });
  if (!made) throw new Error("a finite rate makes a pace");
  return made;
}

/** Lets time pass until `promise` settles and tells when that was. */
async function settledAt(clock: ReturnType<typeof createVirtualClock>, promise: Promise<unknown>): Promise<number> {
  let at: number | undefined;
  promise.then(() => {
    at = clock.now();
  });
  for (let step = 0; at === undefined && step < 1_000_000; step++) await clock.advance(1);
  return at ?? Number.NaN;
}

test("A rest is worth one burst, taken without waiting; then the mean holds", async () => {
  const clock = createVirtualClock();
  const limit = pace(1000, 100, clock);
  expect(limit.take(60)).toBeUndefined();
  expect(limit.take(40)).toBeUndefined();
  expect(await settledAt(clock, Promise.resolve(limit.take(50)))).toBe(50);
  await clock.advance(60_000);
  expect(limit.take(100)).toBeUndefined();
  expect(limit.take(1)).toBeInstanceOf(Promise);
});

test("A chunk larger than the burst leaves at once after a rest, and the debt is paid by the next", async () => {
  const clock = createVirtualClock();
  const limit = pace(1000, 100, clock);
  expect(limit.take(2100)).toBeUndefined();
  expect(await settledAt(clock, Promise.resolve(limit.take(1)))).toBe(2001);
});

test("Waiters are served in their order, a small one never before a large one", async () => {
  const clock = createVirtualClock();
  const limit = pace(1000, 1000, clock);
  expect(limit.take(1000)).toBeUndefined();
  const order: string[] = [];
  const waits = [900, 1, 500].map((bytes) => limit.take(bytes)?.then(() => order.push(`${bytes}@${clock.now()}`)));
  for (let step = 0; step < 2000; step++) await clock.advance(1);
  await Promise.all(waits);
  expect(order).toEqual(["900@900", "1@901", "500@1401"]);
  expect(clock.sleeping).toBe(0);
});

test("Nobody overtakes: what the bucket holds is saved for whoever waits first", async () => {
  const clock = createVirtualClock();
  const limit = pace(1000, 100, clock);
  limit.take(100);
  const head = limit.take(100);
  await clock.advance(60);
  expect(limit.take(10)).toBeInstanceOf(Promise);
  expect(await settledAt(clock, Promise.resolve(head))).toBe(100);
});

test("An abort rejects with its reason, costs nothing and lets those behind go on", async () => {
  const clock = createVirtualClock();
  const limit = pace(1000, 100, clock);
  limit.take(100);
  const controller = new AbortController();
  const head = limit.take(100, controller.signal);
  const middle = limit.take(100, controller.signal);
  const tail = limit.take(10, new AbortController().signal);
  controller.abort(new Error("no more"));
  await expect(head).rejects.toThrow("no more");
  await expect(middle).rejects.toThrow("no more");
  await expect(limit.take(1, controller.signal)).rejects.toThrow("no more");
  expect(await settledAt(clock, Promise.resolve(tail))).toBe(10);
});

test("When the last waiter leaves, no timer is left behind", async () => {
  const clock = createVirtualClock();
  const limit = pace(1, 1, clock);
  limit.take(1);
  const controller = new AbortController();
  const wait = limit.take(1, controller.signal);
  expect(clock.sleeping).toBe(1);
  controller.abort();
  await expect(wait).rejects.toThrow();
  expect(clock.sleeping).toBe(0);
});

test("Timers that fire late do not cost rate", async () => {
  const clock = createVirtualClock();
  const late: Clock = { ...clock, now: () => clock.now(), sleep: (ms, signal) => clock.sleep(ms + 7, signal) };
  const limit = pace(1_000_000, 1000, late);
  limit.take(1000);
  const waits = Array.from({ length: 1000 }, () => Promise.resolve(limit.take(1000)));
  expect(await settledAt(clock, Promise.all(waits))).toBeLessThanOrEqual(1008);
});

test("Waits longer than any timer are slept in parts", async () => {
  const clock = createVirtualClock();
  const limit = pace(0.001, 1, clock);
  limit.take(10);
  const wait = limit.take(1);
  let done = false;
  wait?.then(() => {
    done = true;
  });
  await clock.advance(9_999_000);
  expect(done).toBe(false);
  for (let step = 0; step < 4; step++) await clock.advance(1000);
  expect(done).toBe(true);
});

test("In any time, no more leaves than the rate and one burst and one chunk allow", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 1, maxLength: 40 }),
      fc.integer({ min: 1, max: 300 }),
      async (chunks, burst) => {
        const clock = createVirtualClock();
        const limit = pace(1000, burst, clock);
        let granted = 0;
        for (const bytes of chunks) {
          await settledAt(clock, Promise.resolve(limit.take(bytes)));
          granted += bytes;
          expect(granted).toBeLessThanOrEqual(clock.now() + burst + bytes);
        }
        expect(clock.now()).toBeLessThanOrEqual(granted + chunks.length + 1);
      },
    ),
    { numRuns: 60 },
  );
});

test("No limit costs nothing", () => {
  const clock = createVirtualClock();
  expect(createPace({ bytesPerSecond: Number.POSITIVE_INFINITY, clock })).toBeUndefined();
  expect(combinePaces()).toBeUndefined();
  expect(combinePaces(undefined, undefined)).toBeUndefined();
  const only = pace(1, 1, clock);
  expect(combinePaces(undefined, only)).toBe(only);
});

test("Of several limits the slowest decides", async () => {
  const clock = createVirtualClock();
  const both = combinePaces(pace(1000, 100, clock), pace(100, 100, clock));
  expect(both?.take(100)).toBeUndefined();
  expect(await settledAt(clock, Promise.resolve(both?.take(50)))).toBe(500);
});

test("The default burst is a tenth of a second's worth", () => {
  const limit = createPace({ bytesPerSecond: 1000, clock: createVirtualClock() });
  expect(limit?.take(100)).toBeUndefined();
  expect(limit?.take(1)).toBeInstanceOf(Promise);
});

test.each([
  { bytesPerSecond: 0 },
  { bytesPerSecond: -1 },
  { bytesPerSecond: Number.NaN },
  { bytesPerSecond: 1, burst: 0 },
  { bytesPerSecond: 1, burst: Number.POSITIVE_INFINITY },
])("%o is refused", (options) => {
  expect(() => createPace({ ...options, clock: createVirtualClock() })).toThrow(
    expect.objectContaining({ code: "invalid_option" }),
  );
});
