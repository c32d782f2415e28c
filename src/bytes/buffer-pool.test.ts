import { expect, test } from "vitest";
import { createBufferPool, type Lease, sharedMemory } from "./buffer-pool.ts";

test("A free buffer is leased at once, and the warmest first", async () => {
  const pool = createBufferPool({ capacity: 2 });
  const first = await pool.lease();
  expect(first.buffer.length).toBe(262_144);
  expect(first.buffer.byteOffset).toBe(0);
  expect(first.buffer.buffer.byteLength).toBe(262_144);
  first.release();
  const again = pool.lease();
  expect(again).not.toBeInstanceOf(Promise);
  expect((await again).buffer).toBe(first.buffer);
  expect(pool.statistics()).toEqual({
    size: 262_144,
    capacity: 2,
    allocated: 1,
    leased: 1,
    waiting: 0,
    hits: 1,
    misses: 1,
    peak: 1,
  });
});

test("At the bound callers wait, first come, first served, and nobody overtakes", async () => {
  const pool = createBufferPool({ capacity: 1 });
  const held = await pool.lease();
  const order: number[] = [];
  const waits = [1, 2, 3].map(async (turn) => {
    const lease = await pool.lease();
    order.push(turn);
    expect(pool.statistics().leased).toBe(1);
    lease.release();
  });
  expect(pool.statistics().waiting).toBe(3);
  held.release();
  expect(pool.tryLease()).toBeUndefined();
  await Promise.all(waits);
  expect(order).toEqual([1, 2, 3]);
  expect(pool.statistics()).toMatchObject({ allocated: 1, leased: 0, waiting: 0, peak: 1 });
});

test("A second release does nothing", async () => {
  const pool = createBufferPool({ capacity: 2 });
  const lease = await pool.lease();
  lease.release();
  const [other] = [await pool.lease()];
  lease.release();
  expect(pool.statistics().leased).toBe(1);
  expect((await pool.lease()).buffer).not.toBe(other?.buffer);
});

test("A wait ends with its signal and leaves the queue", async () => {
  const pool = createBufferPool({ capacity: 1 });
  const held = await pool.lease();
  const controller = new AbortController();
  const gone = pool.lease(controller.signal);
  const kept = pool.lease(new AbortController().signal);
  controller.abort(new Error("enough"));
  await expect(gone).rejects.toThrow("enough");
  expect(pool.statistics().waiting).toBe(1);
  held.release();
  (await kept).release();
  await expect(pool.lease(controller.signal)).rejects.toThrow("enough");
  expect(pool.statistics()).toMatchObject({ leased: 0, waiting: 0 });
});

test("Poison overwrites what was released", async () => {
  const pool = createBufferPool({ capacity: 1, poison: true });
  const lease = await pool.lease();
  lease.buffer.fill(1);
  lease.release();
  expect(lease.buffer.every((byte) => byte === 0xdb)).toBe(true);
});

test.each([{ size: 0 }, { size: 65_536 }, { size: 262_145 }, { size: Number.NaN }, { capacity: 0 }, { capacity: 1.5 }])(
  "%o is refused",
  (options) => {
    expect(() => createBufferPool(options)).toThrow(expect.objectContaining({ code: "invalid_option" }));
  },
);

test("the memory of a process is 64 MiB at most: wide buffers first, then narrow ones", async () => {
  const leases: Lease[] = [];
  for (let lease = sharedMemory.tryLease(); lease !== undefined; lease = sharedMemory.tryLease()) leases.push(lease);
  const sizes = leases.map(({ buffer }) => buffer.length);
  expect(sizes).toEqual([...Array(32).fill(1_048_576), ...Array(128).fill(262_144)]);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(67_108_864);
  const waiting = sharedMemory.lease();
  leases.at(-1)?.release();
  const granted = await waiting;
  expect(granted.buffer.length).toBe(262_144);
  for (const lease of [...leases, granted]) lease.release();
  const reason = new Error("enough");
  await expect(Promise.resolve(sharedMemory.lease(AbortSignal.abort(reason)))).rejects.toBe(reason);
});
