import { describe, expect, it } from "vitest";
import { createVirtualClock } from "./virtual-clock.ts";

describe("virtual clock", () => {
  it("wakes sleepers in the order of their times, and only when told", async () => {
    const clock = createVirtualClock();
    const woken: [string, number][] = [];
    const sleeps = [
      clock.sleep(300).then(() => woken.push(["late", clock.now()])),
      clock.sleep(100).then(() => woken.push(["early", clock.now()])),
    ];
    await clock.advance(99);
    expect(woken).toEqual([]);
    expect(clock.sleeping).toBe(2);
    await clock.advance(300);
    await Promise.all(sleeps);
    expect(woken).toEqual([
      ["early", 100],
      ["late", 300],
    ]);
    expect(clock.now()).toBe(399);
  });

  it("rejects a sleep with the signal's reason", async () => {
    const clock = createVirtualClock();
    const reason = new Error("enough");
    await expect(clock.sleep(1, AbortSignal.abort(reason))).rejects.toBe(reason);
    const aborter = new AbortController();
    const sleeping = clock.sleep(1, aborter.signal);
    aborter.abort(reason);
    await expect(sleeping).rejects.toBe(reason);
    expect(clock.sleeping).toBe(0);
  });

  it("ticks until stopped", async () => {
    const clock = createVirtualClock();
    const ticks: number[] = [];
    const stop = clock.every(50, () => ticks.push(clock.now()));
    await clock.advance(160);
    stop();
    await clock.advance(100);
    expect(ticks).toEqual([50, 100, 150]);
  });

  it("passes by itself only while somebody sleeps", async () => {
    const clock = createVirtualClock({ auto: true, startAt: 1_000 });
    let ticks = 0;
    const stop = clock.every(50, () => ticks++);
    await new Promise(setImmediate);
    expect(ticks).toBe(0);
    await clock.sleep(120);
    await clock.sleep(30);
    expect([clock.now(), clock.wall(), ticks]).toEqual([150, 1_150, 3]);
    stop();
  });
});
