import { describe, expect, it } from "vitest";
import { type Figures, figuresOf, measureBar, standing } from "./bar.ts";
import { bars } from "./bars.ts";
import { judge } from "./judgement.ts";
import { differences } from "./machine.ts";
import { short } from "./print.ts";
import { fill, render } from "./report.ts";
import { keptBeside, parseResults, stringifyResults } from "./results.ts";
import type { Machine, PeerResult, Results, TrialResult } from "./types.ts";

const machine: Machine = {
  cpu: "A processor",
  cores: 2,
  memoryGiB: 8,
  os: "Linux 6.1",
  node: "26.10.0",
  undici: "8.12.4",
  go: "",
  curl: "8.0.0",
  pinned: true,
};

function peer(name: string, cpuUs: number, processes = 10): PeerResult {
  const common = { round: 0, ops: 10, wallNs: cpuUs * 1_000, heapBytes: 70_000, rssPeak: 0, rssHeld: 0, retained: 0 };
  const samples = Array.from({ length: processes }, (_, process) => ({ ...common, process, cpuUs: cpuUs + process }));
  return { name, about: `About ${name}`, samples };
}

function trial(name: string, group: string, peers: readonly PeerResult[]): TrialResult {
  return {
    recordedAt: "2026-01-02T03:04:05.000Z",
    name,
    group,
    about: `One ${name}.`,
    parameters: { inFlight: 64, devices: 200 },
    reference: peers[0]?.name ?? "",
    judgedBy: "cpu",
    peers,
  };
}

const push = trial("push-26", "small", [
  peer("undici.request", 300),
  peer("flashwave", 165),
  { name: "Go net/http", about: "Go", skipped: "Go not installed", samples: [] },
]);
const ablation = trial("a-part", "ablations", [peer("on", 100), peer("off", 150)]);
const results: Results = { machine, mode: "baseline", trials: [push, ablation] };
const pushCpu = bars.find(({ id }) => id === "push-cpu");

describe("bars", () => {
  it("have one id each, and goals no easier than their bars", () => {
    expect(new Set(bars.map(({ id }) => id)).size).toBe(bars.length);
    for (const { bar, goal, bound } of bars) expect(bound === "at most" ? goal <= bar : goal >= bar).toBe(true);
  });

  it("are judged from medians over turns, and not where chance decides", () => {
    if (pushCpu === undefined) throw new Error("The bar is gone.");
    const measured = measureBar(pushCpu, results.trials);
    expect(measured.value).toBeCloseTo(169.5 / 304.5, 3);
    expect(standing(pushCpu, measured)).toBe("met");
    const exactly = (value: number) => ({ value, low: value, high: value });
    expect(standing(pushCpu, exactly(0.5))).toBe("goal met");
    expect(standing(pushCpu, exactly(0.61))).toBe("not met");
    expect(standing(pushCpu, { value: 0.55, low: 0.5, high: 0.65 })).toBe("unsure");
  });

  it("say so when nothing was measured, as when Go is not installed", () => {
    for (const bar of bars.filter(({ id }) => id === "push-go" || id === "fan-out")) {
      expect(standing(bar, measureBar(bar, results.trials))).toBe("not measured");
    }
  });
});

describe("BASELINE.md", () => {
  const notes = { analysis: ["A push costs {cpu push-26 / flashwave}."], tried: { "push-cpu": "Fewer promises." } };
  const text = render(results, notes, [{ date: "2026-01-01", change: "Shared headers", impact: "−1 µs | p < 0.01" }]);

  it("shows every bar, and why a goal is not met", () => {
    for (const { metric } of bars) expect(text).toContain(metric);
    expect(text).toMatch(
      /undici\.request, 64 in flight, 200 devices \| ≤ 0\.6× \| ≤ 0\.5× \| 0\.56× \| 0\.55–0\.56 \| met \|/,
    );
    expect(text).toContain("**goal not met.** Fewer promises.");
  });

  it("says that fewer than ten processes are provisional", () => {
    expect(text).not.toContain("Provisional");
    const few = trial("push-26", "small", [peer("undici.request", 300, 3)]);
    expect(render({ ...results, trials: [push, few] }, notes, [])).toContain("**Provisional:**");
  });

  it("names what was not measured", () => {
    expect(text).toMatch(/\| Go net\/http \| Go not installed \|/);
  });

  it("fills figures into the analysis and keeps tables whole", () => {
    expect(text).toContain("A push costs 16.9 µs.");
    expect(text).toContain("−1 µs \\| p < 0.01");
    expect(fill("{cpu nothing / nobody}", figuresOf([]))).toBe("–");
  });

  it("says of an ablation what leaving it out costs", () => {
    expect(text).toMatch(/\| a-part \| About off \| cpu \+48 % \| < 0\.001 \| 1\.00 \| gains \|/);
  });
});

describe("counts", () => {
  const counted = (errors: number, processes: number): PeerResult => {
    const { samples, ...rest } = peer("sqlite", 100, processes);
    return { ...rest, samples: samples.map((sample, i) => ({ ...sample, counts: { errors: i === 1 ? errors : 0 } })) };
  };
  const named = (errors: number): Results => {
    const clients = { ...trial("clients-50", "store", [counted(errors, 3)]), reference: "sqlite" };
    return { machine, mode: "baseline", trials: [clients] };
  };

  it("are kept with their samples, and shown at their worst", () => {
    const results = named(7);
    const text = stringifyResults(results);
    expect(text).toMatch(/^\s*\[0,0,10,100000,100,70000,0,0,0,\{"errors":0\}\],$/m);
    expect(parseResults(text)).toMatchObject(results);
    const shown = render(results, { analysis: [], tried: {} }, []);
    expect(shown).toContain("| heap/op | errors | cpu ÷ sqlite |");
    expect(shown).toMatch(/\| sqlite \| .* \| 7 \| 1\.00/);
  });

  it("that must be none are judged by the worst turn", () => {
    const none = { id: "none", metric: "errors", bar: 0, goal: 0, bound: "at most", unit: "", worst: true } as const;
    const errors = { ...none, measure: (of: Figures) => of("clients-50", "sqlite", "count errors") };
    const judged = (count: number) => standing(errors, measureBar(errors, named(count).trials));
    expect([judged(0), judged(7)]).toEqual(["goal met", "not met"]);
  });
});

describe("the naive form of a store's questions", () => {
  it("is set against ours, time and memory", () => {
    const asked = trial("changes", "store", [peer("sqlite", 100), peer("naive", 1_000)]);
    const shown = render({ machine, mode: "baseline", trials: [asked] }, { analysis: [], tried: {} }, []);
    expect(shown).toMatch(/\| changes \| 100 µs \| 10\.0 µs \| 90\.0 % \| 7\.00 KB \| 7\.00 KB \| 0\.0 % \|/);
  });
});

describe("raw results", () => {
  it("come back as they were written, a line per sample", () => {
    const text = stringifyResults(results);
    expect(parseResults(text)).toMatchObject(results);
    expect(text).toMatch(/^\s*\[0,0,10,300000,300,70000,0,0,0\],$/m);
  });
});

describe("trials recorded on another machine", () => {
  const newer = { ...machine, os: "Linux 6.2" };

  it("say so as long as they are kept, and no longer", () => {
    const [kept] = keptBeside({ ...results, trials: [push] }, newer);
    expect(kept).toEqual({ ...push, machine });
    const both: Results = { ...results, machine: newer, trials: [{ ...push, machine }, ablation] };
    expect(keptBeside(both, newer)).toEqual(both.trials);
    expect(keptBeside(both, machine)).toEqual([push, { ...ablation, machine: newer }]);
    expect(parseResults(stringifyResults(both))).toMatchObject(both);
  });

  it("are named in the report, with what differs", () => {
    const both: Results = { ...results, machine: newer, trials: [{ ...push, machine }, ablation] };
    const shown = render(both, { analysis: [], tried: {} }, []);
    expect(shown).toContain("Recorded on another machine (os: Linux 6.2 ≠ Linux 6.1): push-26. ");
    expect(render(results, { analysis: [], tried: {} }, [])).not.toContain("another machine");
  });
});

describe("comparisons", () => {
  it("are refused between machines", () => {
    expect(differences(machine, machine)).toEqual([]);
    expect(differences(machine, { ...machine, node: "26.11.0" })).toEqual(["node: 26.10.0 ≠ 26.11.0"]);
  });

  it("correct for the number of figures, and leave out what was not measured", () => {
    const values = (centre: number): number[] => Array.from({ length: 10 }, (_, i) => centre + i / 100);
    const [slower, same, missing] = judge([
      { what: "slower", before: values(10), after: values(12) },
      { what: "same", before: values(10), after: values(10) },
      { what: "missing", before: [], after: values(10) },
    ]);
    expect(slower).toMatchObject({ verdict: "worse" });
    expect(slower?.adjusted).toBeCloseTo(2 * (slower?.p ?? 0));
    expect(same).toMatchObject({ verdict: "~" });
    expect(missing).toMatchObject({ verdict: "not measured" });
  });
});

describe("figures for people", () => {
  it("keep three digits and a fitting unit", () => {
    expect([short(0.0445, "us"), short(4.98, "us"), short(9_650, "us"), short(1.2e6, "us")]).toEqual([
      "44.5 ns",
      "4.98 µs",
      "9.65 ms",
      "1.20 s",
    ]);
    expect([short(524, "bytes"), short(12_400, "bytes"), short(2.5e7, "bytes"), short(Number.NaN)]).toEqual([
      "524 B",
      "12.4 KB",
      "25.0 MB",
      "–",
    ]);
  });
});
