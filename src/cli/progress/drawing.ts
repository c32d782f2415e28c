import { type Clock, systemClock } from "../../core/index.ts";

/** What a drawing needs of the stream it is drawn on. */
export interface Screen {
  readonly isTTY?: boolean;
  readonly rows?: number;
  write(text: string): unknown;
}

/** Something that is drawn again and again: in place on a terminal, as sparse lines elsewhere. */
export interface Drawing extends Disposable {
  /** Whether it is redrawn in place. */
  readonly live: boolean;
  /** Prints with the drawing out of the way: both may be on one terminal. */
  aside(print: () => void): void;
}

export interface DrawingOptions {
  readonly screen: Screen;
  /** What a terminal shows, in no more lines than it has room for. */
  readonly frame: (lines: number) => readonly string[];
  /** What stands in a log from time to time. */
  readonly line: () => string;
  readonly clock?: Clock;
}

const redrawMs = 100;
const sparseMs = 5_000;

export function createDrawing({ screen, frame, line, clock = systemClock }: DrawingOptions): Drawing {
  const live = screen.isTTY === true && process.env["TERM"] !== "dumb";
  const { draw, clear } = live
    ? inPlace(screen, frame)
    : { draw: () => void screen.write(`${line()}\n`), clear: () => {} };
  const stop = clock.every(live ? redrawMs : sparseMs, draw);
  return {
    live,
    aside(print) {
      clear();
      print();
    },
    [Symbol.dispose]() {
      stop();
      clear();
    },
  };
}

/** Goes up over what it drew last, draws anew, erases what is left below: one write per frame, so nothing flickers. */
function inPlace(screen: Screen, frame: DrawingOptions["frame"]) {
  let drawn = 0;
  const up = () => (drawn === 0 ? "" : `\x1b[${drawn}F`);
  return {
    draw() {
      // Some terminals say that they have no rows at all.
      const lines = frame(Math.max(2, Math.min(12, (screen.rows || 24) - 3)));
      // Without wrapping (DECAWM off): a line that is too long must not become two.
      screen.write(`${up()}\x1b[?7l${lines.map((text) => `\x1b[2K${text}\n`).join("")}\x1b[?7h\x1b[J`);
      drawn = lines.length;
    },
    clear() {
      if (drawn > 0) screen.write(`${up()}\x1b[J`);
      drawn = 0;
    },
  };
}
