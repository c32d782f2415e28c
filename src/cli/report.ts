import { exitCodeOf } from "./exit-codes.ts";
import { lineOf, type Result, Tally } from "./results.ts";
import { counted, formatMs, printable, printableJson } from "./text.ts";

export interface ReportOptions {
  readonly json: boolean;
  /** Writes one line of results. */
  readonly print: (line: string) => void;
  /** Whether a device was told to install later. @default none was */
  readonly stagingAsked?: (device: string) => boolean;
  /** Columns of the longest id. */
  readonly idWidth: number;
}

/** Results as they come, and what they amount to. */
export class Report {
  readonly #options: ReportOptions;
  readonly #tally = new Tally();
  /** The highest that a result asked for. */
  exitCode = 0;

  constructor(options: ReportOptions) {
    this.#options = options;
  }

  add(result: Result): void {
    const { json, print, idWidth, stagingAsked } = this.#options;
    this.#tally.add(result);
    this.exitCode = Math.max(this.exitCode, exitCodeOf(result, stagingAsked?.(result.device)));
    print(json ? printableJson(result) : lineOf(result, idWidth));
  }

  /** The last lines for people: the sum, and by name who must be read before anything is sent again. */
  end(ms: number): void {
    const { json, print } = this.#options;
    const { total, unknown } = this.#tally;
    if (json) return;
    if (total > 1) print(`${counted(total, "device")} in ${formatMs(ms)}: ${this.#tally}.`);
    if (unknown.length > 0) print(unknownLine(unknown));
  }
}

export function unknownLine(devices: readonly string[]): string {
  return printable(`Unknown, to be read before anything is sent again: ${devices.join(", ")}`);
}
