import type { Fault, ScriptEntry } from "../mocks/index.ts";
import type { ClientOptions } from "../src/index.ts";

/** Bytes of the image: more than the kernel's buffers on loopback hide, so that half of it is truly half. */
export const imageBytes = 16_000_000;
const half = imageBytes / 2;
const always = Number.POSITIVE_INFINITY;

/** One cell of the fault matrix: what the device does wrong, and what must become of the update. */
export interface Cell {
  readonly name: string;
  readonly script: readonly ScriptEntry[];
  /** `updated`, or the status and the error's code. */
  readonly outcome: string;
  /** Sends begun, as the device counted them. */
  readonly sends: number;
  /** How the acknowledgement was had; for updates that were acknowledged. */
  readonly by?: "reply" | "readback";
  readonly client?: ClientOptions;
}

const once = (on: ScriptEntry["on"], fault: Fault): readonly ScriptEntry[] => [{ on, fault }];
const ever = (on: ScriptEntry["on"], fault: Fault): readonly ScriptEntry[] => [{ on, fault, times: always }];
const updated = (name: string, fault: Fault, sends: number, by: Cell["by"] = "reply"): Cell => ({
  name: `${name}, once`,
  script: once("update", fault),
  outcome: "updated",
  sends,
  by,
});
const stubborn = (name: string, fault: Fault, outcome: string, sends: number): Cell => ({
  name: `${name}, every time`,
  script: ever("update", fault),
  outcome,
  sends,
});

const endings = ["rst", "fin"] as const;

/** The connection ends. Up to the last byte nothing was installed, so a read shows the old version and it is sent again. */
const cuts: readonly Cell[] = endings.flatMap((ending) => [
  updated(`${ending} at the headers`, { kind: "cut", at: "headers", ending }, 2),
  updated(`${ending} at 50 %`, { kind: "cut", at: half, ending }, 2),
  updated(`${ending} at 100 %, not installed`, { kind: "cut", at: "received", ending }, 2),
  updated(`${ending} at 100 %, installed`, { kind: "cut", at: "installed", ending }, 1, "readback"),
  updated(`${ending} during the response`, { kind: "cut", at: { reply: 12 }, ending }, 1, "readback"),
  stubborn(`${ending} at the headers`, { kind: "cut", at: "headers", ending }, "failed connection_lost", 3),
  stubborn(`${ending} at 50 %`, { kind: "cut", at: half, ending }, "failed connection_lost", 3),
]);

/** 4xx and 3xx are final, however early they come. */
const refusals: readonly Cell[] = [
  ...[400, 401, 403, 404, 405, 413, 415].flatMap((status) => [
    stubborn(`${status}`, { kind: "status", status }, "failed refused", 1),
    stubborn(`${status} at the headers`, { kind: "status", status, afterBytes: 0 }, "failed refused", 1),
    stubborn(
      `${status} at 50 %`,
      { kind: "status", status, afterBytes: half, afterwards: "hold" },
      "failed refused",
      1,
    ),
  ]),
  ...[301, 302, 303, 307, 308].map((status) =>
    stubborn(`${status}`, { kind: "redirect", status, location: "http://127.0.0.1:1/" }, "failed redirected", 1),
  ),
  stubborn(
    "307 at the headers",
    { kind: "status", status: 307, afterBytes: 0, headers: { location: "/elsewhere" } },
    "failed redirected",
    1,
  ),
];

/** A busy device is sent to again once it had its time; a failing one is read first. */
const busy: readonly Cell[] = [
  ...[408, 429, 503, 500, 502, 504].flatMap((status) => [
    updated(`${status}`, { kind: "status", status }, 2),
    updated(`${status} at the headers`, { kind: "status", status, afterBytes: 0 }, 2),
    updated(`${status} at 50 %`, { kind: "status", status, afterBytes: half, afterwards: "hold" }, 2),
  ]),
  ...[408, 429, 503].map((status) => stubborn(`${status}`, { kind: "status", status }, "failed device_busy", 3)),
  ...[500, 502, 504].map((status) => stubborn(`${status}`, { kind: "status", status }, "failed device_error", 3)),
  updated("500 although installed", { kind: "status", status: 500, installs: true }, 1, "readback"),
  updated("429 with Retry-After: 0", { kind: "status", status: 429, headers: { "retry-after": "0" } }, 2),
];

/** A 2xx to half a body acknowledges nothing. */
const early: readonly Cell[] = [
  updated("early 200 at the headers", { kind: "status", status: 200, afterBytes: 0, afterwards: "hold" }, 2),
  updated("early 200 at 50 %", { kind: "status", status: 200, afterBytes: half, afterwards: "hold" }, 2),
  updated("early 200 at 50 %, then rst", { kind: "status", status: 200, afterBytes: half, afterwards: "rst" }, 2),
  stubborn(
    "early 200 at 50 %",
    { kind: "status", status: 200, afterBytes: half, afterwards: "hold" },
    "failed early_reply",
    3,
  ),
];

/** Silence and slowness end by our own limits. */
const slow: readonly Cell[] = [
  updated("no answer, not installed", { kind: "blackhole" }, 2),
  updated("no answer, installed", { kind: "blackhole", installs: true }, 1, "readback"),
  stubborn("no answer, not installed", { kind: "blackhole" }, "failed response_timeout", 3),
  updated("nothing read", { kind: "hold" }, 2),
  updated("reading ends at 50 %", { kind: "slow-reader", stopAt: half }, 2),
  stubborn("reading ends at 50 %", { kind: "slow-reader", stopAt: half }, "failed stall_timeout", 3),
  {
    ...updated("reading never stands still, but never ends", { kind: "slow-reader", bytesPerSecond: 1_000_000 }, 2),
    client: { timeouts: { connect: 500, response: 500, stall: 20_000, minimumRate: 50_000_000 } },
  },
  updated("the answer drips", { kind: "drip", everyMs: 150, part: "all" }, 1, "readback"),
];

/** Answers that nobody can use; the image was taken before them. */
const unusable: readonly Cell[] = [
  updated("interim answers without end", { kind: "information-flood" }, 2),
  updated("an oversize body", { kind: "oversize-body", bytes: 2_000_000 }, 1, "readback"),
  updated("an endless chunked body", { kind: "oversize-body", bytes: always, framing: "chunked" }, 1, "readback"),
  updated("oversize headers", { kind: "oversize-headers", bytes: 1_000_000 }, 1, "readback"),
  updated("an endless status line", { kind: "endless", part: "status-line" }, 1, "readback"),
  updated("an endless header", { kind: "endless", part: "header" }, 1, "readback"),
  updated("an endless chunk extension", { kind: "endless", part: "chunk-extension" }, 1, "readback"),
  updated("endless trailers", { kind: "endless", part: "trailers" }, 1, "readback"),
  updated("no HTTP", { kind: "malformed", reply: "no-http" }, 1, "readback"),
  updated("no HTTP, at the headers", { kind: "malformed", reply: "no-http", early: true }, 2),
  updated("a body cut short", { kind: "malformed", reply: "truncated-body" }, 1, "readback"),
];

/** The device says yes and lies, or thinks better of it. */
const lies: readonly Cell[] = [
  stubborn("a lying 200", { kind: "lying-200" }, "failed not_updated", 1),
  stubborn("another version", { kind: "wrong-version", version: "1.5.0" }, "failed wrong_version", 1),
  stubborn(
    "the right version with another digest",
    { kind: "wrong-version", version: "2.0.0", digest: "ab".repeat(32) },
    "failed wrong_digest",
    1,
  ),
  {
    ...stubborn(
      "a silent rollback within the stable window",
      { kind: "silent-rollback", afterMs: 60 },
      "failed not_updated",
      1,
    ),
    client: { verification: { stableFor: 300, deadline: 1_500 } },
  },
];

/** What can go wrong while the device is read, before and after the send. */
const reading: readonly Cell[] = [
  {
    name: "connections reset, once",
    script: once("connect", { kind: "cut", at: "headers" }),
    outcome: "updated",
    sends: 1,
  },
  {
    name: "connections ended, once",
    script: once("connect", { kind: "cut", at: "headers", ending: "fin" }),
    outcome: "updated",
    sends: 1,
  },
  {
    name: "connections swallowed",
    script: ever("connect", { kind: "blackhole" }),
    outcome: "failed response_timeout",
    sends: 0,
  },
  {
    name: "another device answers",
    script: ever("version", { kind: "report", members: { id: "pos-999" } }),
    outcome: "failed wrong_device",
    sends: 0,
  },
  {
    name: "another device answers after the send",
    script: [{ on: "version", skip: 1, times: always, fault: { kind: "report", members: { id: "pos-999" } } }],
    outcome: "failed wrong_device",
    sends: 1,
  },
  ...(["cut", "blackhole", "malformed", "body"] as const).map(
    (kind): Cell => ({
      name: `the first reads after the send: ${kind}`,
      script: [
        {
          on: "version",
          skip: 1,
          times: 2,
          fault:
            kind === "malformed"
              ? { kind, reply: "no-http" }
              : kind === "body"
                ? { kind, body: "<html>" }
                : kind === "cut"
                  ? { kind, at: "headers" }
                  : { kind },
        },
      ],
      outcome: "updated",
      sends: 1,
      client: { verification: { deadline: 10_000 } },
    }),
  ),
  {
    name: "the new version is reported without a boot",
    script: [
      { on: "update", fault: { kind: "lying-200" } },
      { on: "version", skip: 1, times: always, fault: { kind: "report", members: { version: "2.0.0" } } },
    ],
    outcome: "failed not_updated",
    sends: 1,
  },
  {
    name: "all reads after the send end",
    script: [{ on: "version", skip: 1, times: always, fault: { kind: "cut", at: "headers" } }],
    outcome: "unknown unverified",
    sends: 1,
  },
  {
    name: "reads are refused after the send",
    script: [{ on: "version", skip: 1, times: always, fault: { kind: "status", status: 403 } }],
    outcome: "failed refused",
    sends: 1,
  },
  {
    name: "the send's answer is lost, and so are all reads",
    script: [
      { on: "update", fault: { kind: "cut", at: "installed" } },
      { on: "version", skip: 1, times: always, fault: { kind: "cut", at: "headers" } },
    ],
    outcome: "unknown outcome_unknown",
    sends: 1,
  },
  {
    name: "the health check fails",
    script: ever("health", { kind: "status", status: 500 }),
    outcome: "failed unhealthy",
    sends: 1,
  },
];

export const cells: readonly Cell[] = [
  ...cuts,
  ...refusals,
  ...busy,
  ...early,
  ...slow,
  ...unusable,
  ...lies,
  ...reading,
];
