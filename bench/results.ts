import { readFileSync } from "node:fs";
import { differences } from "./machine.ts";
import type { Counts, Machine, PlacedSample, Results, TrialResult } from "./types.ts";

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

type Row = readonly (number | Counts)[];

/** Stands around a row while the text is made: no figure and no name holds it. */
const mark = "\u00a6";
const marked = new RegExp(`"${mark}(.*)${mark}"`, "g");

/** Its counts come last, where it has any. */
function rowOf(sample: PlacedSample): Row {
  const { counts } = sample;
  return [...columns.map((column) => sample[column]), ...(counts === undefined ? [] : [counts])];
}

/** Samples are rows of numbers on a line each: small enough to be kept, and readable in a difference. */
export function stringifyResults(results: Results): string {
  const text = JSON.stringify(
    { columns, ...results },
    (key, value: unknown) =>
      key === "samples"
        ? (value as PlacedSample[]).map((sample) => `${mark}${JSON.stringify(rowOf(sample))}${mark}`)
        : value,
    1,
  );
  return `${text.replace(marked, (_, row: string) => JSON.parse(`"${row}"`) as string)}\n`;
}

export function parseResults(text: string): Results {
  return JSON.parse(text, (key, value: unknown) =>
    key === "samples"
      ? (value as Row[]).map((row) => {
          const counts = row[columns.length];
          const figures = Object.fromEntries(columns.map((column, index) => [column, row[index] ?? 0]));
          return counts === undefined ? figures : { ...figures, counts };
        })
      : value,
  ) as Results;
}

export function readResults(path: string): Results {
  return parseResults(readFileSync(path, "utf8"));
}

/** The trials of `results`, kept beside others that are recorded on `machine`: each says where it was recorded, if elsewhere. */
export function keptBeside({ machine: before, trials }: Results, machine: Machine): readonly TrialResult[] {
  return trials.map(({ machine: own = before, ...trial }) =>
    differences(own, machine).length === 0 ? trial : { ...trial, machine: own },
  );
}
