import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { type ClientEvent, FlashwaveError } from "../../core/index.ts";
import { Terminal, ticking } from "./terminal.suite.ts";
import { createView } from "./view.ts";

const failed: ClientEvent = {
  type: "attempt-failed",
  device: "a",
  attempt: 1,
  next: "give-up",
  delay: 0,
  error: new FlashwaveError("refused", "", { phase: "send" }),
};

beforeEach(() => void vi.stubEnv("TERM", "xterm"));
afterEach(() => void vi.unstubAllEnvs());

it("redraws in place, makes room for results and leaves nothing behind", () => {
  const screen = new Terminal();
  const { clock, tick, stop } = ticking();
  const view = createView({ screen, devices: 2, quiet: false, clock });
  view.onEvent({ type: "attempt-started", device: "a", attempt: 1, attemptId: "x" });
  view.onEvent({ type: "attempt-started", device: "b", attempt: 1, attemptId: "y" });
  tick();
  tick();
  expect(screen.shown).toHaveLength(3);
  view.ended({ device: "a", status: "sent" } as Parameters<typeof view.ended>[0]);
  view.aside(() => screen.write("a  sent\n"));
  tick();
  expect(screen.shown.map((line) => line.split(" ended")[0])).toEqual([
    "a  sent",
    "[############------------] 1/2",
    "  b  sending   ",
  ]);
  view[Symbol.dispose]();
  expect(screen.shown).toEqual(["a  sent"]);
  expect(stop).toHaveBeenCalledOnce();
});

it("writes plain lines where nothing can be redrawn", () => {
  let text = "";
  const { clock, tick } = ticking();
  const view = createView({ screen: { write: (more) => (text += more) }, devices: 2, quiet: false, clock });
  view.onEvent(failed);
  tick();
  view.aside(() => {});
  view[Symbol.dispose]();
  expect(text).toBe("a: attempt 1 ended with refused, not trying again\n0/2 ended, 1 under way, 0 ms\n");
});

it("draws nothing when quiet, and keeps account all the same", () => {
  const write = vi.fn();
  const { clock, tick } = ticking();
  const view = createView({ screen: { isTTY: true, write }, devices: 2, quiet: true, clock });
  view.onEvent(failed);
  tick();
  view[Symbol.dispose]();
  expect(write).not.toHaveBeenCalled();
  expect(view.board.snapshot().rows).toHaveLength(1);
});
