import { type ClientEvent, type Clock, type Progress, systemClock } from "../../core/index.ts";
import type { Result } from "../results.ts";
import { Board } from "./board.ts";
import { frameOf, noteOf, sumOf } from "./frame.ts";

/** What a view needs of the stream it draws on. */
export interface Screen {
  readonly isTTY?: boolean;
  readonly rows?: number;
  write(text: string): unknown;
}

export interface ViewOptions {
  readonly screen: Screen;
  /** Devices in all. */
  readonly devices: number;
  /** Draws nothing; still keeps account. */
  readonly quiet: boolean;
  readonly clock?: Clock;
}

/** Progress of one run: redrawn in place on a terminal, sparse lines elsewhere. */
export interface View extends Disposable {
  readonly board: Board;
  readonly onEvent: (event: ClientEvent) => void;
  readonly onProgress: (progress: Progress) => void;
  /** A device is read, outside of an update. */
  reading(device: string): void;
  ended(result: Result): void;
  /** Prints with the drawing out of the way: both may be on one terminal. */
  aside(print: () => void): void;
}

const redrawMs = 100;
const sparseMs = 5_000;

export function createView({ screen, devices, quiet, clock = systemClock }: ViewOptions): View {
  const board = new Board(devices, clock);
  const live = screen.isTTY === true && process.env["TERM"] !== "dumb";
  const drawing = quiet ? undefined : live ? liveDrawing(screen, board) : sparseDrawing(screen, board);
  const stop = drawing && clock.every(drawing.every, drawing.draw);
  return {
    board,
    onEvent(event) {
      board.onEvent(event);
      drawing?.note?.(event);
    },
    onProgress: (progress) => board.onProgress(progress),
    reading: (device) => board.reading(device),
    ended: (result) => board.ended(result),
    aside(print) {
      drawing?.clear?.();
      print();
    },
    [Symbol.dispose]() {
      stop?.();
      drawing?.clear?.();
    },
  };
}

interface Drawing {
  readonly every: number;
  draw(): void;
  clear?(): void;
  note?(event: ClientEvent): void;
}

/** Goes up over what it drew last, draws anew, erases what is left below: one write per frame, so nothing flickers. */
function liveDrawing(screen: Screen, board: Board): Drawing {
  let drawn = 0;
  const up = () => (drawn === 0 ? "" : `\x1b[${drawn}F`);
  return {
    every: redrawMs,
    draw() {
      // Some terminals say that they have no rows at all.
      const lines = frameOf(board.snapshot(), Math.max(2, Math.min(12, (screen.rows || 24) - 3)));
      // Without wrapping (DECAWM off): a line that is too long must not become two.
      screen.write(`${up()}\x1b[?7l${lines.map((line) => `\x1b[2K${line}\n`).join("")}\x1b[?7h\x1b[J`);
      drawn = lines.length;
    },
    clear() {
      if (drawn > 0) screen.write(`${up()}\x1b[J`);
      drawn = 0;
    },
  };
}

function sparseDrawing(screen: Screen, board: Board): Drawing {
  return {
    every: sparseMs,
    draw: () => screen.write(`${sumOf(board.snapshot())}\n`),
    note(event) {
      const line = noteOf(event);
      if (line !== undefined) screen.write(`${line}\n`);
    },
  };
}
