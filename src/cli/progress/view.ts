import { type ClientEvent, type Clock, type Progress, systemClock } from "../../core/index.ts";
import type { Result } from "../results.ts";
import { Board } from "./board.ts";
import { createDrawing, type Screen } from "./drawing.ts";
import { frameOf, noteOf, sumOf } from "./frame.ts";

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

export function createView({ screen, devices, quiet, clock = systemClock }: ViewOptions): View {
  const board = new Board(devices, clock);
  const drawing = quiet
    ? undefined
    : createDrawing({
        screen,
        clock,
        frame: (lines) => frameOf(board.snapshot(), lines),
        line: () => sumOf(board.snapshot()),
      });
  return {
    board,
    onEvent(event) {
      board.onEvent(event);
      const note = drawing?.live === false ? noteOf(event) : undefined;
      if (note !== undefined) screen.write(`${note}\n`);
    },
    onProgress: (progress) => board.onProgress(progress),
    reading: (device) => board.reading(device),
    ended: (result) => board.ended(result),
    aside(print) {
      if (drawing === undefined) print();
      else drawing.aside(print);
    },
    [Symbol.dispose]() {
      drawing?.[Symbol.dispose]();
    },
  };
}
