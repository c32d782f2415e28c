import { EventEmitter } from "node:events";
import { expect, it } from "vitest";
import { watchInterrupt } from "./interrupt.ts";

class FakeProcess extends EventEmitter {
  readonly exits: number[] = [];
  exit(code: number): void {
    this.exits.push(code);
  }
}

it("aborts at the first interrupt and leaves at once at the second", () => {
  const process = new FakeProcess();
  using interrupt = watchInterrupt(process);
  process.emit("SIGINT");
  expect([interrupt.signal.aborted, process.exits]).toEqual([true, []]);
  process.emit("SIGINT");
  expect(process.exits).toEqual([130]);
});

it.each<["SIGINT" | "SIGTERM", "SIGINT" | "SIGTERM", number, number]>([
  ["SIGTERM", "SIGTERM", 143, 143],
  ["SIGTERM", "SIGINT", 143, 130],
  ["SIGINT", "SIGTERM", 130, 143],
])("takes %s, then %s, alike", (first, second, code, exit) => {
  const process = new FakeProcess();
  using interrupt = watchInterrupt(process);
  expect(interrupt.exitCode).toBeUndefined();
  process.emit(first);
  expect([interrupt.signal.aborted, interrupt.exitCode, process.exits]).toEqual([true, code, []]);
  expect(interrupt.signal.reason).toMatchObject({ message: first === "SIGTERM" ? "Terminated" : "Interrupted" });
  process.emit(second);
  expect([interrupt.exitCode, process.exits]).toEqual([code, [exit]]);
});

it("leaves the process as it found it", () => {
  const process = new FakeProcess();
  watchInterrupt(process)[Symbol.dispose]();
  expect(process.listenerCount("SIGINT") + process.listenerCount("SIGTERM")).toBe(0);
});
