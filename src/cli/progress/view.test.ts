import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { type ClientEvent, type Clock, FlashwaveError } from "../../core/index.ts";
import { createView } from "./view.ts";

/** A terminal that understands what the view writes: lines, cursor up, erase. */
class Terminal {
  readonly isTTY = true;
  readonly rows = 24;
  lines: string[] = [""];
  #row = 0;

  write(text: string): void {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is looked for.
    for (const [part, up] of text.matchAll(/\x1b\[(\d+)F|\x1b\[\?7[lh]|\x1b\[2K|\x1b\[J|\n|[^\x1b\n]+/g)) {
      if (up !== undefined) this.#row -= Number(up);
      else if (part === "\n") this.#row++;
      else if (part === "\x1b[J") this.lines = this.lines.slice(0, this.#row);
      else if (part === "\x1b[2K") this.lines[this.#row] = "";
      else if (!part.startsWith("\x1b")) this.lines[this.#row] = part;
    }
  }

  get shown(): string[] {
    return this.lines.filter((line) => line !== "" && line !== undefined);
  }
}

function ticking() {
  let tick = () => {};
  const stop = vi.fn();
  const clock: Clock = {
    now: () => 0,
    wall: () => 0,
    sleep: () => Promise.resolve(),
    every(_, run) {
      tick = run;
      return stop;
    },
  };
  return { clock, stop, tick: () => tick() };
}

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
