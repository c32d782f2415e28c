import { type Clock, systemClock } from "../../core/index.ts";
import type { Io } from "../job.ts";
import { createDrawing, type Drawing } from "../progress/drawing.ts";
import { bar } from "../progress/frame.ts";
import { counted, formatMs, printable, printableJson } from "../text.ts";
import type { ImportSource } from "./import-source.ts";
import { reasonInColumns } from "./reasons.ts";

interface Refused {
  readonly line: number;
  readonly id: string;
  readonly result: string;
  readonly reason: string;
}

export interface ToldOptions {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly io: Io;
  readonly source: Pick<ImportSource, "read" | "size">;
  readonly clock?: Clock;
}

/** What is told of an import while it runs, and how far it came. */
export class Told implements Disposable {
  /** Rows that are in the store. */
  kept = 0;
  refusals = 0;
  readonly #options: ToldOptions;
  readonly #clock: Clock;
  readonly #begun: number;
  readonly #drawing: Drawing | undefined;

  constructor(options: ToldOptions) {
    const { io, quiet, clock = systemClock } = options;
    this.#options = options;
    this.#clock = clock;
    this.#begun = clock.now();
    const line = () => this.#line();
    const frame = () => [`${this.#bar()}${this.#line()}`];
    if (!quiet) this.#drawing = createDrawing({ screen: io.stderr, frame, line, clock });
  }

  readonly refused = (row: Refused): void => {
    this.refusals += 1;
    const { line, id, result } = row;
    const reason = reasonInColumns(row.reason);
    if (this.#options.json) this.#print("stdout", printableJson({ ...row, reason }));
    else this.#print("stderr", printable(`line ${line}: ${id === "" ? "" : `${id}: `}${result}: ${reason}`));
  };

  /** Rows that a store answered for. */
  count(results: readonly { readonly result: string }[]): void {
    this.kept += results.filter(({ result }) => result === "created" || result === "updated").length;
  }

  end(report: Readonly<Record<string, number>>): void {
    const sum = Object.entries(report).map(([what, count]) => `${count} ${what}`);
    this.#print("stdout", this.#options.json ? printableJson(report) : `${sum.join(", ")}.`);
  }

  /** Why it ended before its end, and how far it came. */
  brokenOff(why: string, advice = ""): void {
    const refusals = this.refusals === 0 ? "" : `, ${this.refusals} refused`;
    const rows = this.kept === 0 ? "no row" : counted(this.kept, "row");
    this.#print("stderr", printable(`flashwave: ${why} ${rows} had been imported${refusals}.${advice}`));
  }

  [Symbol.dispose](): void {
    this.#drawing?.[Symbol.dispose]();
  }

  #print(where: "stdout" | "stderr", line: string): void {
    const print = () => void this.#options.io[where].write(`${line}\n`);
    if (this.#drawing === undefined) print();
    else this.#drawing.aside(print);
  }

  #bar(): string {
    const { read, size } = this.#options.source;
    return size === undefined || size === 0 ? "" : `[${bar(read / size)}] `;
  }

  #line(): string {
    const ms = this.#clock.now() - this.#begun;
    const rate = ms > 0 ? `, ${Math.round((this.kept * 1_000) / ms)}/s` : "";
    const refusals = this.refusals === 0 ? "" : `, ${this.refusals} refused`;
    return `${counted(this.kept, "row")} imported${refusals}${rate}, ${formatMs(ms)}`;
  }
}
