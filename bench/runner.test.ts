import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { cpuByFunction } from "./profiles.ts";
import { runTrial } from "./runner.ts";
import { select } from "./select.ts";
import { trials } from "./trials/index.ts";
import type { Machine, Trial } from "./types.ts";
import { Workshop } from "./workshop.ts";

const machine: Machine = {
  cpu: "",
  cores: 1,
  memoryGiB: 1,
  os: "",
  node: "",
  undici: "",
  go: "",
  curl: "",
  pinned: false,
};
const quick = {
  machine,
  processes: 1,
  rounds: 2,
  roundMs: 1,
  warmMs: 0,
  root: join(import.meta.dirname, ".."),
  say: () => undefined,
};

const trial: Trial = {
  name: "smoke",
  group: "test",
  about: "One push of 26 bytes.",
  // As many devices as operations: a device takes one push at a time, and a slow first one would be asked again.
  parameters: { inFlight: 2, devices: 10, bytes: 26 },
  peers: [
    { name: "raw", about: "", module: "peers/node-net.ts" },
    { name: "ours", about: "", module: "peers/flashwave.ts" },
    { name: "Go", about: "", module: "peers/go" },
    { name: "broken", about: "", module: "peers/does-not-exist.ts" },
  ],
  reference: "raw",
  judgedBy: "wall",
  ops: 10,
};

describe("the runner", () => {
  it("measures every peer in its own process and says why one was not", async () => {
    await using shop = new Workshop();
    const { peers } = await runTrial(trial, quick, shop);
    const [raw, ours, go, broken] = peers;
    for (const peer of [raw, ours]) {
      expect(peer?.skipped).toBeUndefined();
      expect(peer?.samples.map(({ process, round, ops }) => [process, round, ops])).toEqual([
        [0, 0, 10],
        [0, 1, 10],
      ]);
      for (const { wallNs, heapBytes } of peer?.samples ?? []) expect(Math.min(wallNs, heapBytes)).toBeGreaterThan(0);
    }
    expect(go?.skipped).toBe("Go not installed");
    expect(broken).toMatchObject({ samples: [], skipped: expect.stringContaining("does-not-exist.ts") });
    expect(broken?.skipped).not.toContain("/");
  });

  it("sends large files, and finds out how much work fills a round", async () => {
    await using shop = new Workshop();
    const parameters = { inFlight: 1, devices: 1, bytes: 600_000, body: "ring" } as const;
    const file = { ...trial, parameters, peers: [{ name: "ours", about: "", module: "peers/flashwave.ts" }] };
    const { ops: _, ...measured } = file;
    const { peers } = await runTrial(measured, quick, shop);
    expect(peers[0]?.skipped).toBeUndefined();
    expect(peers[0]?.samples).toHaveLength(2);
  });
});

describe("registries", () => {
  it.each(["page", "resolve-past"] as const)("answer alike, ours and the naive one: %s", async (operation) => {
    await using shop = new Workshop();
    const registry = "peers/store/registry.ts";
    const peers = [
      { name: "memory", about: "", module: registry, parameters: { variant: "memory" } },
      { name: "sqlite", about: "", module: registry, parameters: { variant: "sqlite" } },
      { name: "naive", about: "", module: "peers/store/naive.ts" },
    ];
    const parameters = { inFlight: 1, devices: 1, operation, profiles: 300 };
    const asked = await runTrial({ ...trial, reference: "memory", parameters, peers, ops: 2 }, quick, shop);
    for (const { skipped, samples } of asked.peers) expect([skipped, samples.length]).toEqual([undefined, 2]);
  });

  it("tell errors and violations of many clients apart from what was measured", async () => {
    await using shop = new Workshop();
    const peers = [{ name: "sqlite", about: "", module: "peers/store/threads.ts", parameters: { variant: "written" } }];
    const parameters = { inFlight: 2, devices: 1, operation: "page", profiles: 300 } as const;
    const {
      peers: [sqlite],
    } = await runTrial({ ...trial, reference: "sqlite", parameters, peers }, quick, shop);
    for (const { ops, counts } of sqlite?.samples ?? []) {
      expect([ops, counts]).toEqual([10, { errors: 0, "busy waits": 0, "commits beside": expect.any(Number) }]);
    }
    expect(sqlite?.samples).toHaveLength(2);
  });
});

describe("trials", () => {
  it("have one name each, a reference among their peers, and one name per peer", () => {
    expect(new Set(trials.map(({ name }) => name)).size).toBe(trials.length);
    for (const { peers, reference } of trials) {
      const names = peers.map(({ name }) => name);
      expect(names).toContain(reference);
      expect(new Set(names).size).toBe(names.length);
    }
  });

  it("are chosen by group or name; long ones only on request", () => {
    expect(select(trials, { only: "load" }).map(({ group }) => group)).toEqual(["load", "load", "load"]);
    expect(select(trials, {}).some(({ name }) => name === "1gb")).toBe(false);
    expect(select(trials, { trial: "1gb" })).toHaveLength(1);
    expect(() => select(trials, { only: "nothing" })).toThrow(/Groups: small, large/);
  });
});

describe("profiles", () => {
  it("sum own time by function and leave waiting out", () => {
    const frame = (functionName: string) => ({ functionName, url: "", lineNumber: 0 });
    const shares = cpuByFunction({
      nodes: [
        { id: 1, callFrame: frame("a") },
        { id: 2, callFrame: frame("(idle)") },
        { id: 3, callFrame: frame("a") },
        { id: 4, callFrame: frame("b") },
      ],
      samples: [1, 2, 3, 4],
      timeDeltas: [10, 1_000, 20, 10],
    });
    expect(shares).toEqual([
      { where: "a", part: 0.75 },
      { where: "b", part: 0.25 },
    ]);
  });
});
