import { invalidOption } from "../failures.ts";

/** Bytes or text in pieces of any size: a file's stream, a request's body, a list of strings. */
export type TransferSource = AsyncIterable<Uint8Array | string> | Iterable<Uint8Array | string>;

/** @throws `invalid_option` when bytes are not UTF-8 */
export async function* readText(source: TransferSource): AsyncGenerator<string, void> {
  const decoder = new TextDecoder("utf-8", { fatal: true }); // it takes a byte order mark away
  const decode = (bytes?: Uint8Array): string => {
    try {
      return decoder.decode(bytes, { stream: bytes !== undefined });
    } catch {
      throw invalidOption("what is imported must be UTF-8");
    }
  };
  let isBegin = true;
  for await (const piece of source) {
    const text = typeof piece === "string" ? piece : decode(piece);
    if (text === "") continue;
    yield isBegin && typeof piece === "string" ? text.replace(/^\uFEFF/, "") : text;
    isBegin = false;
  }
  const rest = decode();
  if (rest !== "") yield rest;
}

/**
 * The most characters of one row, as a line or as a record: more than the largest that a registry takes, and yet whoever
 * forgets a line's end or a closing quote does not have the rest of the file in memory.
 */
export const longestRow = 8_388_608;

/** Lines with their numbers, from 1. Empty ones are left out. @throws `invalid_option` for a line that is too long */
export async function* readLines(texts: AsyncIterable<string>): AsyncGenerator<readonly [number, string], void> {
  // The line that has not ended yet. It is put together once, at its end: its pieces may be very small.
  let begun: string[] = [];
  let length = 0;
  let number = 0;
  for await (const text of texts) {
    if (text === "") continue;
    begun.push(text);
    length += text.length;
    if (text.includes("\n")) {
      const lines = begun.join("").split(/\r?\n/);
      begun = lines.splice(-1);
      length = begun[0]?.length ?? 0;
      for (const line of lines) {
        number += 1;
        if (line.trim() !== "") yield [number, line];
      }
    }
    if (length > longestRow) throw invalidOption(`line ${number + 1} is too long`);
  }
  const rest = begun.join("");
  if (rest.trim() !== "") yield [number + 1, rest];
}
