import { readFileSync } from "node:fs";
import type { PlacedSample, Results } from "./types.ts";

const columns = [
  "process",
  "round",
  "ops",
  "wallNs",
  "cpuUs",
  "heapBytes",
  "rssPeak",
  "rssHeld",
  "retained",
] as const satisfies readonly (keyof PlacedSample)[];

type Row = readonly number[];

/** Samples are rows of numbers on a line each: small enough to be kept, and readable in a difference. */
export function stringifyResults(results: Results): string {
  const text = JSON.stringify(
    { columns, ...results },
    (key, value: unknown) =>
      key === "samples"
        ? (value as PlacedSample[]).map((sample) => `[${columns.map((c) => sample[c]).join(",")}]`)
        : value,
    1,
  );
  return `${text.replace(/"(\[[\d.,\-e]+\])"/g, "$1")}\n`;
}

export function parseResults(text: string): Results {
  return JSON.parse(text, (key, value: unknown) =>
    key === "samples"
      ? (value as Row[]).map((row) => Object.fromEntries(columns.map((column, index) => [column, row[index] ?? 0])))
      : value,
  ) as Results;
}

export function readResults(path: string): Results {
  return parseResults(readFileSync(path, "utf8"));
}
