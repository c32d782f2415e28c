import { longestRow } from "./lines.ts";

/** Why a text is not CSV, in words that hold nothing of it. */
export class CsvFault extends Error {}

/** One record, with the line on which it begins. */
export interface CsvRecord {
  readonly line: number;
  readonly cells: readonly string[];
}

/**
 * Reads CSV as RFC 4180 has it, and line ends of any kind: cells in quotes may hold commas, line ends and doubled quotes.
 * Empty lines are no records.
 * @throws `CsvFault` for a quote where none may be, one that never closes, and a record that is too long
 */
export async function* readCsv(texts: AsyncIterable<string>): AsyncGenerator<CsvRecord, void> {
  const parser = new CsvParser();
  for await (const text of texts) yield* parser.read(text);
  yield* parser.end();
}

type State = "start" | "plain" | "quoted" | "closed";

class CsvParser {
  #state: State = "start";
  #cell = "";
  #cells: string[] = [];
  #size = 0;
  #line = 1;
  #begun = 1;
  #afterReturn = false;

  *read(text: string): Generator<CsvRecord, void> {
    for (let at = 0; at < text.length; at += 1) {
      const letter = text[at] as string;
      const isSecond = this.#afterReturn && letter === "\n"; // of a CR LF, which is one line end
      this.#afterReturn = letter === "\r";
      if (isSecond && this.#state !== "quoted") continue;
      if ((letter === "\n" && !isSecond) || letter === "\r") this.#line += 1;
      this.#size += 1;
      if (this.#size > longestRow)
        throw new CsvFault(`line ${this.#begun}: the record is too long, or a quote never closes`);
      if (this.#state === "quoted") this.#quoted(letter);
      else if (letter === "\n" || letter === "\r") yield* this.#endRecord();
      else this.#plain(letter);
    }
  }

  *end(): Generator<CsvRecord, void> {
    if (this.#state === "quoted") throw new CsvFault(`line ${this.#begun}: a quote never closes`);
    yield* this.#endRecord();
  }

  #quoted(letter: string): void {
    if (letter === '"') this.#state = "closed";
    else this.#cell += letter;
  }

  #plain(letter: string): void {
    if (letter === ",") {
      this.#cells.push(this.#cell);
      this.#cell = "";
      this.#state = "start";
    } else if (letter !== '"') {
      if (this.#state === "closed") throw new CsvFault(`line ${this.#line}: text after a closing quote`);
      this.#cell += letter;
      this.#state = "plain";
    } else if (this.#state === "plain") {
      throw new CsvFault(`line ${this.#line}: a quote within a cell; put the cell in quotes and double it`);
    } else {
      if (this.#state === "closed") this.#cell += letter;
      this.#state = "quoted";
    }
  }

  *#endRecord(): Generator<CsvRecord, void> {
    const isEmpty = this.#cells.length === 0 && this.#cell === "" && this.#state === "start";
    const cells = [...this.#cells, this.#cell];
    const line = this.#begun;
    this.#cells = [];
    this.#cell = "";
    this.#state = "start";
    this.#size = 0;
    this.#begun = this.#line;
    if (!isEmpty) yield { line, cells };
  }
}

/** One record as a line. */
export function writeCsv(cells: readonly string[]): string {
  return `${cells.map((cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(",")}\r\n`;
}
