import { expect, it } from "vitest";
import { type ClientEvent, FlashwaveError, type Receipt } from "../../core/index.ts";
import { printable } from "../text.ts";
import { Board } from "./board.ts";
import { frameOf, noteOf, sumOf } from "./frame.ts";

const started = (device: string, attempt = 1): ClientEvent => ({
  type: "attempt-started",
  device,
  attempt,
  attemptId: "x",
});
const lost = (device: string, next: "retry" | "read" | "give-up", attempt = 1): ClientEvent => ({
  type: "attempt-failed",
  device,
  attempt,
  next,
  delay: 1_500,
  error: new FlashwaveError("connection_lost", "", { phase: "send" }),
});

function board(devices = 4) {
  const clock = { at: 0, now: () => clock.at };
  return { clock, board: new Board(devices, clock) };
}

it("counts the bytes of all attempts, and none twice", () => {
  const { board: it } = board();
  it.onEvent(started("a"));
  it.onProgress({ device: "a", attempt: 1, sent: 40, total: 100 });
  it.onProgress({ device: "a", attempt: 1, sent: 60, total: 100 });
  it.onEvent(lost("a", "read"));
  it.onEvent(started("a", 2));
  it.onProgress({ device: "a", attempt: 2, sent: 100, total: 100 });
  expect(it.snapshot().bytes).toBe(160);
});

it("measures the time in which anything was sent, not what lies between", () => {
  const { clock, board: it } = board();
  it.onEvent(started("a"));
  clock.at = 10;
  it.onEvent(started("b"));
  clock.at = 30;
  it.onEvent(lost("a", "retry"));
  clock.at = 40;
  it.onEvent({ type: "read", device: "b" });
  clock.at = 1_000;
  expect(it.sendingMs).toBe(40);
  it.onEvent(started("a", 2));
  clock.at = 1_005;
  expect(it.sendingMs).toBe(45);
});

it("takes the rate from the last three seconds", () => {
  const { clock, board: it } = board();
  it.snapshot();
  for (let second = 1; second <= 10; second++) {
    clock.at = second * 1_000;
    it.onProgress({ device: "a", attempt: 1, sent: second <= 5 ? second * 100 : 500, total: 1_000 });
    const { rate } = it.snapshot();
    if (second === 5) expect(rate).toBe(100);
    if (second === 10) expect(rate).toBe(0);
  }
});

it("has a rate for the first line too, from the beginning of the run", () => {
  const { clock, board: it } = board();
  clock.at = 5_000;
  it.onProgress({ device: "a", attempt: 1, sent: 500, total: 1_000 });
  expect(it.snapshot().rate).toBe(100);
});

it("shows what each device is doing, and drops those that ended", () => {
  const { board: it } = board();
  it.onEvent(started("a"));
  it.onProgress({ device: "a", attempt: 1, sent: 50, total: 100 });
  it.onEvent(lost("b", "retry"));
  it.onEvent({
    type: "read",
    device: "c",
    state: { version: "1.0\u001b[2J", identity: "address", readAt: 0 },
  });
  it.onEvent(started("d", 2));
  it.ended({ device: "d", status: "updated" });
  expect(frameOf(it.snapshot(), 10)).toEqual([
    "[######------------------] 1/4 ended, 1 updated, 3 under way, 50 B sent, 0 B/s, 0 ms",
    "  a  sending     ############------------  50 %",
    "  b  waiting     connection_lost",
    "  c  reading     reports 1.0[2J",
  ]);
});

it("keeps to the lines it is given, and lets no device write on the terminal", () => {
  const { board: it } = board(100);
  for (let n = 0; n < 50; n++) it.onEvent(started(`\u001b[31m\u202e${n}`));
  const frame = frameOf(it.snapshot(), 5);
  expect(frame).toHaveLength(6);
  expect(frame.at(-1)).toBe("  … and 46 more");
  expect(frame).toEqual(frame.map(printable));
});

it("sums up in one line, also before anything has happened", () => {
  const { board: it } = board(2);
  expect(sumOf(it.snapshot())).toBe("0/2 ended, 0 under way, 0 ms");
});

it.each([
  ["retry", "trying again in 1.5 s"],
  ["read", "reading the device before anything else"],
  ["give-up", "not trying again"],
] as const)("notes a failed attempt and that it is followed by %s", (next, then) => {
  expect(noteOf(lost("a\u001b", next, 2))).toBe(`a: attempt 2 ended with connection_lost, ${then}`);
  expect(noteOf(started("a"))).toBeUndefined();
});

it("shows how far an install is, and what is still sent meanwhile", () => {
  const { board: it } = board(1);
  const line = () => frameOf(it.snapshot(), 4)[1] ?? "";
  it.onEvent(started("a"));
  it.onProgress({ device: "a", attempt: 1, sent: 50, total: 100 });
  it.onEvent({ type: "installing", device: "a", step: 1, steps: 2, percent: 30 });
  expect(line()).toMatch(/sending .* 50 % {2}installs step 1 of 2, 30 %/);
  it.onEvent({ type: "sent", device: "a", receipt: {} as Receipt });
  it.onEvent({ type: "installing", device: "a", step: 1, steps: 1, percent: 70 });
  expect(line()).toMatch(/installing {2}installs 70 %$/);
});
