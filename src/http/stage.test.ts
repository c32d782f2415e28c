import { describe, expect, it } from "vitest";
import { StillClock } from "./rig.suite.ts";
import { StageWatch } from "./stage.ts";

const limits = { connecting: 100, sending: 200, answering: 300 };

describe("StageWatch", () => {
  it.each([
    ["connecting", 100, "connect_timeout"],
    ["sending", 200, "stall_timeout"],
    ["answering", 300, "response_timeout"],
  ] as const)("limits %s to %d ms without a move", (stage, limit, code) => {
    const watch = new StageWatch(1e6);
    watch.enter(stage);
    expect(watch.verdict(5000, limits)).toBeUndefined();
    expect(watch.verdict(5000 + limit - 1, limits)).toBeUndefined();
    expect(watch.verdict(5000 + limit, limits)).toBe(code);
  });

  it("begins anew with each stage and each move, at the look that follows", () => {
    const watch = new StageWatch(1e6);
    watch.enter("connecting");
    watch.verdict(0, limits);
    watch.enter("sending");
    expect(watch.verdict(150, limits)).toBeUndefined();
    watch.move();
    expect(watch.verdict(349, limits)).toBeUndefined();
    expect(watch.verdict(548, limits)).toBeUndefined();
    expect(watch.verdict(549, limits)).toBe("stall_timeout");
  });

  it("lets a wait for a connection last as long as the deadline", () => {
    const watch = new StageWatch(1000);
    watch.verdict(0, limits);
    expect(watch.verdict(999, limits)).toBeUndefined();
    expect(watch.verdict(1000, limits)).toBe("deadline_exceeded");
  });

  it("puts the deadline above every stage", () => {
    const watch = new StageWatch(1000);
    watch.enter("answering");
    for (let now = 0; now < 1000; now += 50) {
      watch.move();
      expect(watch.verdict(now, limits)).toBeUndefined();
    }
    expect(watch.verdict(1000, limits)).toBe("deadline_exceeded");
  });

  it("adds the time of waiting for the pace to the deadline, and stops everything meanwhile", () => {
    const clock = new StillClock();
    const watch = new StageWatch(clock.now() + 1000);
    watch.enter("sending");
    watch.pace(true, clock);
    clock.advance(5000);
    expect(watch.verdict(clock.now(), limits)).toBeUndefined();
    watch.pace(false, clock);
    expect(watch.verdict(clock.now(), limits)).toBeUndefined();
    clock.advance(199);
    expect(watch.verdict(clock.now(), limits)).toBeUndefined();
    watch.move();
    clock.advance(800);
    expect(watch.verdict(clock.now(), limits)).toBeUndefined();
    clock.advance(1);
    expect(watch.verdict(clock.now(), limits)).toBe("deadline_exceeded");
  });
});
