import { readFileSync } from "node:fs";
import { join } from "node:path";
import { plainTable } from "../bench/markdown.ts";

/** What one long run of one suite counted, and on what. */
export interface SuiteResult {
  readonly name: string;
  readonly about: string;
  /** ISO date and time. */
  readonly recordedAt: string;
  readonly seed: number;
  readonly seconds: number;
  /** What its tests told, and how many passed: a run in which one failed is not recorded. */
  readonly figures: Readonly<Record<string, number>>;
  readonly machine: string;
  readonly versions: Readonly<Record<string, string>>;
}

export const resultsPath: string = join(import.meta.dirname, "long-results.json");

export function readResults(): readonly SuiteResult[] {
  return JSON.parse(readFileSync(resultsPath, "utf8")) as SuiteResult[];
}

/** Adds up the lines that `figure` wrote, for one suite; of what is called the longest, the longest stays. */
export function collectFigures(lines: string, suite: string): Readonly<Record<string, number>> {
  const sums: Record<string, number> = {};
  for (const line of lines.split("\n").filter((text) => text !== "")) {
    const told = JSON.parse(line) as { suite: string; figures: Record<string, number> };
    if (told.suite !== suite) throw new Error(`A test of the suite "${suite}" told a figure of "${told.suite}".`);
    for (const [what, value] of Object.entries(told.figures))
      sums[what] = what.startsWith("longest") ? Math.max(sums[what] ?? 0, value) : (sums[what] ?? 0) + value;
  }
  return sums;
}

const opening = "<!-- figures: rendered by `npm run torture -- --render`, never by hand -->";
const closing = "<!-- /figures -->";

/** `page` with the table of figures between its markers. */
export function withFigures(page: string, results: readonly SuiteResult[]): string {
  const [from, to] = [page.indexOf(opening), page.indexOf(closing)];
  if (from < 0 || to < from) throw new Error(`The page lacks its markers ${opening} and ${closing}.`);
  return `${page.slice(0, from + opening.length)}\n\n${renderFigures(results)}\n\n${page.slice(to)}`;
}

function renderFigures(results: readonly SuiteResult[]): string {
  if (results.length === 0) return "Nothing is recorded yet.";
  const rows = results.map(({ name, about, figures, seconds, recordedAt, seed }) => [
    `\`npm run torture -- ${name}\``,
    about,
    Object.entries(figures).map(told).join("; "),
    `${recordedAt.slice(0, 10)}, seed ${seed}, ${seconds} s`,
  ]);
  const machines = [...new Set(results.map(({ machine, versions }) => `${machine}; ${listed(versions)}`))];
  return `${plainTable([["command", "what", "figures", "recorded"], ...rows])}\n\nRecorded on ${machines.join(" and on ")}.`;
}

function told([what, value]: [string, number]): string {
  return `${what}: ${value.toLocaleString("en-US", { maximumFractionDigits: 2 })}`;
}

function listed(versions: Readonly<Record<string, string>>): string {
  return Object.entries(versions)
    .map((pair) => pair.join(" "))
    .join(", ");
}
