import { expect, test } from "vitest";
import { type Fault, FaultQueue, type ScriptEntry } from "./faults.ts";

const busy: Fault = { kind: "status", status: 503 };
const late: Fault = { kind: "delay", ms: 10 };

test("faults are taken in order, each as often as it says, by whom they wait for", () => {
  const queue = new FaultQueue();
  queue.script({ on: "update", fault: busy, times: 2 }, { on: "version", fault: late }, { on: "update", fault: late });
  expect(queue.take("health")).toBeUndefined();
  expect(queue.take("update")).toBe(busy);
  expect(queue.take("version")).toBe(late);
  expect(queue.take("version")).toBeUndefined();
  expect(queue.take("update")).toBe(busy);
  expect(queue.take("update")).toBe(late);
  expect(queue.take("update")).toBeUndefined();
  expect(queue.pending).toBe(false);
});

test("skip lets requests pass first", () => {
  const queue = new FaultQueue();
  queue.script({ on: "update", fault: busy, skip: 2 });
  expect([1, 2, 3, 4].map(() => queue.take("update")?.kind)).toEqual([undefined, undefined, "status", undefined]);
});

test("any is any request, and no connection", () => {
  const queue = new FaultQueue();
  queue.script({ on: "any", fault: busy, times: Number.POSITIVE_INFINITY });
  expect(queue.take("connect")).toBeUndefined();
  for (const on of ["update", "version", "health", "commit", "other"] as const) expect(queue.take(on)).toBe(busy);
  queue.clear();
  expect(queue.take("update")).toBeUndefined();
});

test("failNext and alwaysFail are statuses; a null count from JSON is for ever", () => {
  const queue = new FaultQueue();
  queue.failNext(1, 418);
  queue.alwaysFail();
  queue.script(JSON.parse('{"on":"version","fault":{"kind":"hold"},"times":null}') as ScriptEntry);
  expect(queue.take("update")).toEqual({ kind: "status", status: 418 });
  for (let i = 0; i < 50; i++) expect(queue.take("update")).toEqual({ kind: "status", status: 500 });
  for (let i = 0; i < 50; i++) expect(queue.take("version")).toEqual({ kind: "hold" });
});

test("what could never happen is refused, and nothing of its script is kept", () => {
  const queue = new FaultQueue();
  const entry: ScriptEntry = { on: "update", fault: busy };
  expect(() => queue.script(entry, { on: "version", fault: { kind: "lying-200" } })).toThrow(TypeError);
  expect(() => queue.script(entry, { on: "connect", fault: busy })).toThrow(TypeError);
  expect(() => queue.script({ on: "any", fault: { kind: "silent-rollback", afterMs: 1 } })).toThrow(TypeError);
  expect(() => queue.script({ on: "update", fault: { kind: "malformed", reply: "no such" } })).toThrow(RangeError);
  expect(() => queue.script({ on: "update", fault: busy, times: -1 })).toThrow(RangeError);
  expect(() => queue.script({ on: "update", fault: busy, skip: Number.NaN })).toThrow(RangeError);
  expect(queue.pending).toBe(false);
});
