import type { Parameters, PeerSpec, Trial } from "../types.ts";

const MiB = 2 ** 20;

/** The product's way, and the same without one of its parts. The ratio is what leaving it out costs. */
function pair(
  module: string,
  on: string,
  off: string,
  variants: { on?: string; off?: string } = {},
): readonly PeerSpec[] {
  const peer = (name: string, about: string, variant: string): PeerSpec => ({
    name,
    about,
    module,
    parameters: { variant },
  });
  return [peer("on", on, variants.on ?? "on"), peer("off", off, variants.off ?? "off")];
}

const alone: Parameters = { inFlight: 1, devices: 1 };
const file: Parameters = { inFlight: 16, devices: 16, bytes: 10 * MiB, body: "ring" };
const requests: Parameters = { inFlight: 64, devices: 200, bytes: 26 };
const ring = "ablations/ring.ts";
const dispatch = "peers/undici-dispatch.ts";

const pools: readonly PeerSpec[] = [
  ...pair(ring, "shared pool", "fresh buffer per mebibyte", { off: "fresh-blocks" }),
  { name: "off, per pass", about: "two fresh buffers per push", module: ring, parameters: { variant: "no-pool" } },
];

const common = { group: "ablations", reference: "on" } as const;
const noNetwork = { ...common, warmMs: 300 } as const;

const stored = (
  name: string,
  about: string,
  on: string,
  offs: Readonly<Record<string, string>>,
  ops?: number,
): Trial => ({
  ...common,
  name,
  about,
  parameters: alone,
  peers: Object.entries({ on, ...offs }).map(([side, says]) => ({
    name: side,
    about: says,
    module: "ablations/store.ts",
    parameters: { variant: `${name}/${side}` },
  })),
  judgedBy: "wall",
  warmMs: 300,
  ...(ops === undefined ? {} : { ops }),
});

const stores: readonly Trial[] = [
  stored("prepared-once", "Ten overrides of a profile, in both their versions, read from a file.", "prepared once", {
    "bare limit": "`LIMIT ?`, which SQLite prepares again by itself",
    off: "prepared for each call",
  }),
  stored("index", "Ten overrides of a profile, in both their versions, among 5,000.", "by an index on their parent", {
    off: "no index",
  }),
  stored("one-statement", "The items of 100 profiles.", "one statement", { off: "one per profile, prepared once" }),
  stored("counters", "What a fleet of 3,000 profiles has.", "one row of counters", { off: "an aggregate over all" }),
  stored("keyset", "50 profiles after 900 others.", "after a key", { off: "by OFFSET" }),
  stored("group-commit", "One device put by each of 500 callers.", "500 at once", { off: "one after the other" }, 500),
  stored(
    "index-writes",
    "One device of a batch of 200 put into a fleet of 50,000. What indexes cost.",
    "all indexes",
    {
      off: "the ids' alone",
    },
    2_000,
  ),
];

export const ablations: readonly Trial[] = [
  {
    ...common,
    name: "buffer-pool",
    about: "One 10 MiB file read and checked block by block, 16 in flight: leased buffers, or fresh memory.",
    parameters: file,
    peers: pools,
    judgedBy: "wall",
    warmMs: 500,
  },
  {
    ...common,
    name: "buffer-pool-memory",
    about: "Resident memory above its start while 64 pushes of the same file run, 16 in flight, in a fresh process.",
    parameters: file,
    peers: pools,
    judgedBy: "rssPeak",
    ops: 64,
    memory: true,
    cold: true,
  },
  {
    ...common,
    name: "read-size",
    about: "One 10 MiB file through the unchecked ring, one at a time: a mebibyte at once, or a block of 256 KiB.",
    parameters: { ...file, ...alone },
    peers: pair(ring, "1 MiB", "256 KiB", { on: "unchecked", off: "narrow" }),
    judgedBy: "wall",
    warmMs: 500,
  },
  {
    ...common,
    name: "block-checks",
    about:
      "One 10 MiB file through the ring, 16 in flight: each block checked before it leaves, or not. A guarantee, not a gain.",
    parameters: file,
    peers: pair(ring, "checked", "unchecked", { off: "unchecked" }),
    judgedBy: "wall",
    warmMs: 500,
  },
  {
    ...common,
    name: "reply-header-interning",
    about: "The six headers of one answer, decoded and kept for 100,000 devices.",
    parameters: alone,
    peers: pair("ablations/reply-headers.ts", "one string for equal bytes", "each decoded anew"),
    judgedBy: "retained",
    ops: 100_000,
    memory: true,
  },
  {
    ...noNetwork,
    name: "request-header-block",
    about: "The header block of one request, made and checked.",
    parameters: alone,
    peers: pair("ablations/request-headers.ts", "one frozen block", "a block per request"),
    judgedBy: "wall",
  },
  {
    ...common,
    name: "connection-tuning",
    about:
      "One push of 26 bytes, connections kept: shared connector, no HTTP/2, no address-family trial, equal timeouts.",
    parameters: requests,
    peers: pair(dispatch, "one tuned Client per device", "one default Client per device", { off: "untuned" }),
    judgedBy: "cpu",
  },
  {
    ...common,
    name: "own-clients",
    about: "One push of 26 bytes, connections kept: a map of Clients, or an Agent that looks for one.",
    parameters: requests,
    peers: pair(dispatch, "own map", "Agent", { off: "agent" }),
    judgedBy: "cpu",
  },
  {
    ...common,
    name: "connection-cost",
    about: "One first contact (26 bytes), the connection kept; 2,000 devices, a fresh process.",
    parameters: { ...requests, devices: 2_000 },
    peers: pair(dispatch, "tuned", "defaults", { off: "untuned" }),
    judgedBy: "cpu",
    ops: 2_000,
    memory: true,
    cold: true,
  },
  {
    ...noNetwork,
    name: "pre-sized-answer",
    about: "A body of 19 bytes, which comes in one piece.",
    parameters: { ...alone, bytes: 19 },
    peers: pair("ablations/reply-body.ts", "kept as it came", "list, then Buffer.concat"),
    judgedBy: "wall",
  },
  {
    ...noNetwork,
    name: "pre-sized-large-answer",
    about: "A body of 64 KiB in four pieces.",
    parameters: { ...alone, bytes: 65_536 },
    peers: pair("ablations/reply-body.ts", "memory of the announced length", "list, then Buffer.concat"),
    judgedBy: "wall",
  },
  ...stores,
];
