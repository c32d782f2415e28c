import type { Operation, Parameters, PeerSpec, Trial } from "../types.ts";

const registry = "peers/store/registry.ts";

/** More profiles than a file's registry remembers the rows of, so that each is read and parsed anew. */
const beyondMemory = 3_000;

/** Every way to ask the same of the same profiles: our drivers, and two that are not ours. */
const peers: readonly PeerSpec[] = [
  { name: "sqlite", about: "our file", module: registry, parameters: { variant: "sqlite" } },
  {
    name: "sqlite anew",
    about: `the same, with nothing remembered: of ${beyondMemory.toLocaleString("en")} profiles, or by a new resolver each time`,
    module: registry,
    parameters: { variant: "sqlite anew", profiles: beyondMemory },
  },
  { name: "memory", about: "our registry in memory", module: registry, parameters: { variant: "memory" } },
  {
    name: "postgres",
    about: "PostgreSQL on this machine",
    module: registry,
    parameters: { variant: "postgres" },
    postgres: true,
  },
  { name: "Go + SQLite", about: "database/sql, indexed, prepared for each call", module: "peers/go-sqlite" },
  {
    name: "naive",
    about: "node:sqlite, no index, prepared for each call, a statement per row and per row's headers",
    module: "peers/store/naive.ts",
  },
];

const common = { group: "store", reference: "sqlite", judgedBy: "wall", warmMs: 400 } as const;
const one: Parameters = { inFlight: 1, devices: 1 };

const asked = (name: string, operation: Operation, about: string, beside: readonly PeerSpec[] = []): Trial => ({
  ...common,
  name,
  about: `${about}, one call at a time.`,
  parameters: { ...one, operation },
  peers: [...peers, ...beside],
});

/** Go's rows have none either, nor have the reference system's. */
const bare: PeerSpec = {
  name: "sqlite anew, bare",
  about: "as anew, profiles without headers",
  module: registry,
  parameters: { variant: "sqlite anew", profiles: beyondMemory, headers: 0 },
};

const questions: readonly Trial[] = [
  asked("snapshot-page", "page", "50 of 1,000 base profiles with 15 fields each, page after page", [bare]),
  asked("changes", "changes", "60 changes after a cursor, with their rows", [bare]),
  asked("headers", "headers", "The headers of 100 profiles, 500 in all"),
  asked("fleet-metrics", "metrics", "What a fleet has, over 1,000 profiles"),
  asked(
    "resolve-siblings",
    "resolve-siblings",
    "A base profile resolved with ten overrides side by side, no field empty",
  ),
  asked("resolve-chain", "resolve-chain", "A base profile resolved with a chain of ten overrides, no field empty"),
  asked("resolve-past", "resolve-past", "The siblings resolved as of a revision before they were edited"),
  asked("overrides-none", "overrides-none", "The overrides of one profile after a cursor: there are none"),
  asked("overrides-ten", "overrides-ten", "The overrides of one profile after a cursor: ten"),
];

const workers = 4;

/** Whose file the workers read: each its own, all the same, or the same while somebody else writes to it. */
const files = {
  private: "a file each",
  shared: "one file, which nobody writes to",
  written: "one file, to which a fifth writes every millisecond",
} as const;

/** Threads of ours, goroutines of Go's, on the one core that a peer is given. */
const concurrent = (name: string, operation: Operation, about: string, variant: keyof typeof files): Trial => ({
  ...common,
  name,
  about: `${about}, ${workers} workers at once, ${files[variant]}.`,
  parameters: { inFlight: workers, devices: 1, operation, variant },
  peers: [
    { name: "sqlite", about: "worker threads, our registry in each", module: "peers/store/threads.ts" },
    { name: "Go + SQLite", about: "goroutines", module: "peers/go-sqlite" },
  ],
});

/** Readers alone, as the reference system has them; what a writer beside them costs is a question of its own. */
const together = (name: string, operation: Operation, about: string): readonly Trial[] => [
  concurrent(`concurrent-${name}-private`, operation, about, "private"),
  concurrent(`concurrent-${name}-shared`, operation, about, "shared"),
  concurrent(`${name}-beside-writer`, operation, about, "written"),
];

const drivers = (module: string): readonly PeerSpec[] => [
  { name: "sqlite", about: "our file", module, parameters: { variant: "sqlite" } },
  {
    name: "postgres",
    about: "PostgreSQL on this machine",
    module,
    parameters: { variant: "postgres" },
    postgres: true,
  },
];

const load: readonly Trial[] = [
  ...[1, 5, 10, 25, 50, 100].map(
    (callers): Trial => ({
      ...common,
      name: `callers-${callers}`,
      about: `One read of four kinds (page, changes, resolution, overrides), ${callers} callers at once.`,
      parameters: { inFlight: callers, devices: 1, operation: "reads" },
      peers: drivers("peers/store/callers.ts"),
    }),
  ),
  {
    ...common,
    name: "clients-50",
    about:
      "One operation of 50 clients who read (60 %) and write (40 %) for ten seconds; the fleet is checked after it.",
    parameters: { inFlight: 50, devices: 1, operation: "clients" },
    peers: drivers("peers/store/callers.ts"),
    ops: 1,
    cold: true,
    long: true,
  },
];

const large: Parameters = { inFlight: 1, devices: 100_000 };

const ofFleet = (name: Operation, about: string): Trial => ({
  ...common,
  name,
  about: `${about}, of a fleet of 100,000.`,
  parameters: { ...large, operation: name },
  peers: drivers("peers/store/fleet.ts"),
  long: true,
});

const imported = (name: string, devices: number, format: "csv" | "ndjson"): Trial => ({
  ...common,
  name,
  about: `One device of ${devices.toLocaleString("en")} imported from ${format === "csv" ? "CSV" : "NDJSON"} into an empty registry, in a fresh process. Own: anonymous memory beside V8's young generation. Kept: the write-ahead log included.`,
  parameters: { ...large, devices, operation: "import", format },
  peers: drivers("peers/store/fleet.ts"),
  ops: devices,
  memory: true,
  cold: true,
  ...(devices > 10_000 && { long: true }),
});

const exported = (name: string, format: "csv" | "ndjson"): Trial => ({
  ...imported(name, large.devices, format),
  about: `One device of ${large.devices.toLocaleString("en")} exported as ${format === "csv" ? "CSV" : "NDJSON"}, in a fresh process. Own: anonymous memory beside V8's young generation.`,
  parameters: { ...large, operation: "export", format },
});

const fleets: readonly Trial[] = [
  ...[10_000, 100_000, 400_000].map((devices) => imported(`import-${devices / 1_000}k`, devices, "ndjson")),
  imported("import-csv", large.devices, "csv"),
  ofFleet("fleet-page", "100 devices after a cursor"),
  ofFleet("fleet-offset", "100 devices after 90,000 others that are skipped"),
  ofFleet("fleet-filter", "100 devices of one site, or of one site and tag"),
  ofFleet("fleet-firmware", "100 devices in a range of firmware versions"),
  ofFleet("fleet-resolve", "100 devices by their ids, and how each is spoken to"),
  exported("export-ndjson", "ndjson"),
  exported("export-csv", "csv"),
];

export const store: readonly Trial[] = [
  ...questions,
  ...together("snapshots", "page", "50 of 1,000 base profiles"),
  ...together("changes", "changes", "60 changes after a cursor"),
  ...load,
  ...fleets,
];
