import { type Mock, vi } from "vitest";
import type { Clock } from "../../core/index.ts";

/** A terminal that understands what is drawn on it: lines, cursor up, erase. */
export class Terminal {
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

/** A clock that stands still, and whose one timer ticks when it is told to. */
export function ticking(): { readonly clock: Clock; readonly stop: Mock<() => void>; readonly tick: () => void } {
  let tick = () => {};
  const stop = vi.fn<() => void>();
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
