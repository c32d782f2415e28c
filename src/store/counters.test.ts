import { once } from "node:events";
import { expect, it } from "vitest";
import { Counters, type OperationRecord } from "./counters.ts";

it("counts calls, rows and failures by operation", async () => {
  const records: OperationRecord[] = [];
  const counters = new Counters(
    "f",
    () => 7,
    (record) => records.push(record),
  );
  const failure = Object.assign(new Error("no"), { code: "registry_failed" });
  expect(
    await counters.measure(
      "read",
      (rows: readonly number[]) => rows.length,
      () => [1, 2],
    ),
  ).toEqual([1, 2]);
  await expect(
    counters.measure(
      "read",
      () => 9,
      () => Promise.reject(failure),
    ),
  ).rejects.toBe(failure);
  await expect(
    counters.measure(
      "write",
      () => 9,
      () => Promise.reject(null),
    ),
  ).rejects.toBeNull();
  const told = records.map(({ operation, records: rows, at, error }) => [operation, rows, at, error]);
  expect(told).toEqual([
    ["read", 2, 7, undefined],
    ["read", 0, 7, "registry_failed"],
    ["write", 0, 7, "unknown"],
  ]);
  expect(counters.read()).toMatchObject([
    { operation: "read", calls: 2, errors: 1, records: 2 },
    { operation: "write", calls: 1, errors: 1, records: 0 },
  ]);
  const sum = records.slice(0, 2).reduce((total, { duration }) => total + duration, 0);
  expect(counters.read()[0]?.duration).toBe(sum);
});

it("does not let who watches change what happened", async () => {
  const failure = new Error("the log is full");
  const counters = new Counters("f", Date.now, () => {
    throw failure;
  });
  const handlers = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  const uncaught = once(process, "uncaughtException");
  expect(
    await counters.measure(
      "write",
      () => 1,
      () => "kept",
    ),
  ).toBe("kept");
  expect((await uncaught)[0]).toBe(failure);
  for (const handler of handlers) process.on("uncaughtException", handler);
  expect(counters.read()).toMatchObject([{ calls: 1, errors: 0 }]);
});
