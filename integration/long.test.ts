import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { isLong, scale, seededRandom } from "./long.ts";
import { collectFigures, readResults, type SuiteResult, withFigures } from "./long-results.ts";
import { longSuites } from "./long-suites.ts";
import { mutations } from "./mutations/index.ts";

const root = dirname(import.meta.dirname);
const page = readFileSync(join(root, "SECURITY.md"), "utf8");

const result: SuiteResult = {
  name: "fuzz",
  about: "inputs",
  recordedAt: "2026-01-02T03:04:05.000Z",
  seed: 7,
  seconds: 90,
  figures: { inputs: 1_000_000, "tests passed": 12 },
  machine: "A processor, 2 cores",
  versions: { Node: "26.10.0" },
};

describe("the figures in SECURITY.md", () => {
  it("are what the recorded results render to", () => {
    expect(withFigures(page, readResults())).toBe(page);
  });

  it("are of suites that there still are", () => {
    const names: readonly string[] = longSuites.map(({ name }) => name);
    expect(readResults().filter(({ name }) => !names.includes(name))).toEqual([]);
  });

  it("of planted defects are of as many as there are, each caught", () => {
    const { figures } = readResults().find(({ name }) => name === "mutate") ?? {};
    expect(figures).toMatchObject({
      "defects planted": mutations.length,
      "caught by the named test": mutations.length,
    });
  });

  it("name the command, the count, the day and the machine", () => {
    const rendered = withFigures(page, [result]);
    expect(rendered).toContain(
      "| `npm run torture -- fuzz` | inputs | inputs: 1,000,000; tests passed: 12 | 2026-01-02, seed 7, 90 s |",
    );
    expect(rendered).toContain("Recorded on A processor, 2 cores; Node 26.10.0.");
    expect(withFigures(rendered, readResults())).toBe(page);
  });

  it("are refused where a page has no place for them", () => {
    expect(() => withFigures("# Security", [])).toThrow("lacks its markers");
  });
});

describe("figures", () => {
  const lines = ["inputs", "inputs", "peak"].map((what, at) =>
    JSON.stringify({ suite: "fuzz", figures: { [what]: at + 1 } }),
  );

  it("of one name are added up", () => {
    expect(collectFigures(`${lines.join("\n")}\n`, "fuzz")).toEqual({ inputs: 3, peak: 3 });
  });

  it("of the longest of something are not added up", () => {
    const told = [7, 9, 8].map((ms) => JSON.stringify({ suite: "fuzz", figures: { "longest, in milliseconds": ms } }));
    expect(collectFigures(told.join("\n"), "fuzz")).toEqual({ "longest, in milliseconds": 9 });
  });

  it("of another suite are refused", () => {
    expect(() => collectFigures(lines.join("\n"), "flat")).toThrow('told a figure of "fuzz"');
  });
});

describe("long suites", () => {
  it("have a name of their own each, and what they run is there", () => {
    expect(new Set(longSuites.map(({ name }) => name)).size).toBe(longSuites.length);
    const files = globSync("{src,integration,bench,mocks,examples}/**/*.test.ts", { cwd: root });
    for (const { name, runs } of longSuites) {
      if ("program" in runs) expect(existsSync(join(root, runs.program)), name).toBe(true);
      else for (const part of runs) expect(files.filter((file) => file.includes(part)).length, name).toBeGreaterThan(0);
    }
  });

  it("are all that has a long form: what no command runs is shown by nobody", () => {
    const parts = longSuites.flatMap(({ runs }) => ("program" in runs ? [] : runs));
    const files = globSync("integration/**/*.test.ts", { cwd: root }).filter((file) =>
      /import \{[^}]*\b(?:isLong|scale)\b[^}]*\} from "[./]*\/long\.ts"/.test(readFileSync(join(root, file), "utf8")),
    );
    expect(files).toContain(join("integration", "flat.test.ts"));
    const own = join("integration", "long.test.ts");
    expect(files.filter((file) => file !== own && !parts.some((part) => file.includes(part)))).toEqual([]);
  });

  it("are a tenth of themselves in npm test", () => {
    expect(scale(1, 10)).toBe(isLong ? 10 : 1);
  });

  it("are the same for the same seed, and their streams differ", () => {
    const draw = (stream: string) => Array.from({ length: 5 }, seededRandom(stream));
    expect(draw("one")).toEqual(draw("one"));
    expect(draw("one")).not.toEqual(draw("two"));
    for (const value of draw("three")) expect(value >= 0 && value < 1).toBe(true);
  });
});
