/** What a trial tells its peers. Every field is data, so that it can cross a process boundary and be recorded. */
export interface Parameters {
  /** Requests in flight at once. */
  readonly inFlight: number;
  /** Devices spoken to; each is its own origin. */
  readonly devices: number;
  /** Bytes of one body. */
  readonly bytes?: number;
  /** A push by default; `GET` reads and parses the device's state. */
  readonly method?: "GET" | "POST";
  /** Where a push's bytes come from. Default: `memory`. */
  readonly body?: BodySource;
  /** Which of its ways of working a peer is to use. */
  readonly variant?: string;
  /** What is asked of a registry. */
  readonly operation?: Operation;
  /** Base profiles of a registry. @default 1_000 */
  readonly profiles?: number;
  /** Headers of each of them. @default 5 */
  readonly headers?: number;
  /** Of what is imported or exported. @default "ndjson" */
  readonly format?: "csv" | "ndjson";
}

/** One call to a registry, or one kind of work on it; see the trials for what each is. */
export type Operation =
  | "page"
  | "changes"
  | "headers"
  | "metrics"
  | "resolve-siblings"
  | "resolve-chain"
  | "resolve-past"
  | "overrides-none"
  | "overrides-ten"
  | "reads"
  | "clients"
  | "import"
  | "export"
  | "fleet-page"
  | "fleet-offset"
  | "fleet-filter"
  | "fleet-firmware"
  | "fleet-resolve";

/**
 * `memory`: one Buffer. `memory-hash`: the same, hashed for each push. `file`: the client's own best way with a file.
 * `ring`: a file that is not kept in memory but read for each push, each block checked. `stream`: `createReadStream`.
 * `stream-hash`: the same with a running SHA-256.
 */
export type BodySource = "memory" | "memory-hash" | "file" | "ring" | "stream" | "stream-hash";

export interface PeerSpec {
  readonly name: string;
  readonly about: string;
  /** A module of `bench/` that exports `prepare`, or one of the Go programs. */
  readonly module: string;
  /** It is given a PostgreSQL server, which all trials share. */
  readonly postgres?: true;
  /** Laid over the trial's parameters. */
  readonly parameters?: Partial<Parameters>;
  /** Another tree whose `src` this peer loads. */
  readonly root?: string;
}

export interface Trial {
  readonly name: string;
  readonly group: string;
  /** One sentence for the report: what one operation is. */
  readonly about: string;
  readonly parameters: Parameters;
  readonly peers: readonly PeerSpec[];
  /** The peer that the others are set against. */
  readonly reference: string;
  /** The figure the trial is judged by. */
  readonly judgedBy: Metric;
  /** Operations per round. Absent: as many as fill the round's time. */
  readonly ops?: number;
  /** Client and server share one core: wall time without the wake-up of another core. */
  readonly oneCore?: boolean;
  /** Watch resident memory while it runs, and what is still held after it. */
  readonly memory?: boolean;
  /** Every round in a fresh process, with nothing warmed up. */
  readonly cold?: boolean;
  /** Milliseconds of work before the first round, where less than the plan's is enough. */
  readonly warmMs?: number;
  /** Left out of a quick run. */
  readonly long?: boolean;
}

/** What a peer's module is given. */
export interface Context {
  readonly parameters: Parameters;
  readonly port: number;
  /** A file of `parameters.bytes` bytes, where there is one. */
  readonly file: string;
  /** The tree whose `src` is measured. */
  readonly root: string;
  /** Lasts as long as the whole run: for what is expensive to make. */
  readonly folder: string;
  /** The connection string of a PostgreSQL server, for a peer that asks for one. */
  readonly postgres?: string;
}

/** What only the peer itself knows of a round. */
export interface Told {
  /** Where it works in processes of its own: their CPU time, in microseconds. */
  readonly cpuUs?: number;
  /** Where it works in threads of its own: the bytes that they allocated. */
  readonly heapBytes?: number;
  /** Where time ends a round: the operations that were done. */
  readonly ops?: number;
  readonly counts?: Counts;
}

/** Errors and the like, by name and unit as the report shows them. */
export type Counts = Readonly<Record<string, number>>;

export interface Runner {
  /** Does `ops` operations; rejects when any of them fails, unless errors are what it counts. */
  run(ops: number): Promise<undefined | Told>;
  close(): Promise<void> | void;
}

export type Prepare = (context: Context) => Promise<Runner> | Runner;

/** One round as it was measured. Bytes and nanoseconds; CPU in microseconds, user and system, all threads. */
export interface Sample {
  readonly ops: number;
  readonly wallNs: number;
  readonly cpuUs: number;
  readonly heapBytes: number;
  /** Peak of resident memory above its value before the round; 0 where it was not watched. */
  readonly rssPeak: number;
  /** Resident memory after a collection, above its value before the round; 0 where it was not watched. */
  readonly rssHeld: number;
  /** Heap and external bytes still held after a collection, above its value before the peer was prepared; 0 where not watched. */
  readonly retained: number;
  readonly counts?: Counts;
}

export interface PlacedSample extends Sample {
  readonly process: number;
  readonly round: number;
}

export interface PeerResult {
  readonly name: string;
  readonly about: string;
  /** Why nothing was measured. */
  readonly skipped?: string;
  readonly samples: readonly PlacedSample[];
}

export interface TrialResult {
  /** ISO date and time. */
  readonly recordedAt: string;
  /** Where it was recorded on another machine than the results name. */
  readonly machine?: Machine;
  readonly name: string;
  readonly group: string;
  readonly about: string;
  readonly parameters: Parameters;
  readonly reference: string;
  readonly judgedBy: Metric;
  readonly peers: readonly PeerResult[];
}

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly os: string;
  readonly node: string;
  readonly undici: string;
  readonly go: string;
  readonly curl: string;
  readonly pinned: boolean;
}

export interface Results {
  readonly machine: Machine;
  readonly mode: "quick" | "long" | "baseline";
  readonly trials: readonly TrialResult[];
}

/**
 * `wall` and `cpu`: µs per operation. `heap`: bytes allocated per operation. `rssPeak`: bytes per round. `rssHeld` and
 * `retained`: bytes per operation.
 */
export type Metric = "wall" | "cpu" | "heap" | "rssPeak" | "rssHeld" | "retained";

/** A metric, or a count by its name. */
export type Figure = Metric | `count ${string}`;
