import { expect, test } from "vitest";
import { createVirtualClock } from "../testing/virtual-clock.ts";
import { createProgress } from "./progress.ts";

function meter(total: number, intervalMs?: number) {
  const clock = createVirtualClock();
  const seen: number[] = [];
  const options = { total, clock, report: (sent: number) => void seen.push(sent) };
  return { clock, seen, progress: createProgress(intervalMs === undefined ? options : { ...options, intervalMs }) };
}

test("The first value is reported at once, then one per interval, then the total and nothing twice", async () => {
  const { clock, seen, progress } = meter(1000);
  progress(10);
  progress(20);
  await clock.advance(99);
  progress(30);
  await clock.advance(1);
  progress(40);
  progress(1000);
  progress(1000);
  progress.finish();
  expect(seen).toEqual([10, 40, 1000]);
});

test("It never goes back and never beyond the total", () => {
  const { seen, progress } = meter(100, 0);
  for (const sent of [50, 20, 50, 60, 5000, 70]) progress(sent);
  expect(seen).toEqual([50, 60, 100]);
});

test("What was held back is told at the end, once", () => {
  const { seen, progress } = meter(100);
  progress(10);
  progress(60);
  progress.finish();
  progress.finish();
  expect(seen).toEqual([10, 60]);
});

test("Nothing sent is nothing to tell, but an empty body is told as sent", () => {
  const silent = meter(10);
  silent.progress.finish();
  expect(silent.seen).toEqual([]);
  const empty = meter(0);
  empty.progress(0);
  empty.progress.finish();
  expect(empty.seen).toEqual([0]);
});

test("A hundred thousand values in one interval are two reports", () => {
  const { seen, progress } = meter(200_000);
  for (let sent = 1; sent <= 100_000; sent++) progress(sent);
  progress.finish();
  expect(seen).toEqual([1, 100_000]);
});
