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

it("leaves the process as it found it", () => {
  const process = new FakeProcess();
  watchInterrupt(process)[Symbol.dispose]();
  expect(process.listenerCount("SIGINT")).toBe(0);
});
