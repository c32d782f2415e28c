import type { DeviceServer, DeviceServerOptions, Fault, ScriptEntry } from "../../mocks/index.ts";
import type { ClientEvent, ClientOptions, Device } from "../../src/index.ts";
import type { Place } from "./matrix.ts";

/** Bytes of an image that is broken off: more than the kernel's buffers on loopback hide, so that half is truly half. */
export const imageBytes = 16_000_000;
export const half: number = imageBytes / 2;
export const always: number = Number.POSITIVE_INFINITY;

/** One way in which a cell can happen: what the device does wrong, and what must become of it. */
export interface Variant {
  readonly name: string;
  readonly script?: readonly ScriptEntry[];
  /** `updated`, `sent`, or the status and the error's code. */
  readonly outcome: string;
  /** Sends begun, as the device counted them. */
  readonly sends: number;
  /** How the acknowledgement was had; for those that were acknowledged. */
  readonly by?: "reply" | "readback";
  /** `push` reads nothing before the first byte. @default "update" */
  readonly call?: "push" | "update";
  readonly client?: ClientOptions;
  readonly server?: DeviceServerOptions;
  readonly device?: Partial<Device>;
  /** At which address the device is spoken to, or by a name. @default its own address */
  readonly host?: string;
  readonly named?: true;
  /** Before the call, and on what the client tells meanwhile. */
  readonly before?: (server: DeviceServer) => void;
  readonly on?: (event: ClientEvent, server: DeviceServer) => void;
  /** Milliseconds that each failed attempt waits, where the device named a time. */
  readonly delay?: number;
}

const once = (on: ScriptEntry["on"], fault: Fault): readonly ScriptEntry[] => [{ on, fault }];
const ever = (on: ScriptEntry["on"], fault: Fault): readonly ScriptEntry[] => [{ on, fault, times: always }];

/** Happens once to the send, and is got over. */
const got = (name: string, fault: Fault, sends: number, by: Variant["by"] = "reply"): Variant => ({
  ...{ name: `${name}, once`, script: once("update", fault), outcome: "updated", sends, by },
});
/** Happens to every send. */
const kept = (name: string, fault: Fault, outcome: string, sends: number): Variant => ({
  ...{ name: `${name}, every time`, script: ever("update", fault), outcome, sends },
});
/** Happens to the first two reads after the send, and is got over. */
const misread = (name: string, fault: Fault): Variant => ({
  name: `${name}, twice`,
  script: [{ on: "version", skip: 1, times: 2, fault }],
  outcome: "updated",
  sends: 1,
  client: { verification: { deadline: 10_000 } },
});
/** Happens to every read after the send. */
const unread = (name: string, fault: Fault, outcome: string): Variant => ({
  name: `${name}, every time`,
  script: [{ on: "version", skip: 1, times: always, fault }],
  outcome,
  sends: 1,
});

const endings = ["rst", "fin"] as const;
const refusals = [401, 403, 404, 413, 415] as const;
const busy = [408, 429, 503] as const;
const broken = [500, 502, 504] as const;
const moved = [301, 302, 303, 307, 308] as const;
const elsewhere = { location: "http://127.0.0.1:1/" };
const at = (status: number, afterBytes: number, headers?: Readonly<Record<string, string>>): Fault => ({
  ...{ kind: "status", status, afterBytes, afterwards: "hold" },
  ...(headers && { headers }),
});
const endlessSpaces = [{ write: "HTTP/1.1 200 OK\r\n\r\n" }, { write: "        ", times: always }] as const;
const hint = "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n";
const never: ClientOptions = { timeouts: { connect: 500, response: 500, stall: 20_000, minimumRate: 50_000_000 } };

const lost: readonly (readonly [Place, readonly Variant[]])[] = [
  [
    "timeout / blackhole × headers/0 %",
    [
      got("nothing is read", { kind: "hold" }, 2),
      kept("nothing is read", { kind: "hold" }, "failed stall_timeout", 3),
      // The kernel takes in what nobody reads, so what has all left may be waited for as an answer.
      got("silence behind the headers", { kind: "raw", at: 0, steps: [], ending: "hold" }, 2),
    ],
  ],
  [
    "timeout / blackhole × 50 %",
    [
      got("reading ends", { kind: "slow-reader", stopAt: half }, 2),
      kept("reading ends", { kind: "slow-reader", stopAt: half }, "failed stall_timeout", 3),
      {
        ...got("reading never stands still, but never ends", { kind: "slow-reader", bytesPerSecond: 1_000_000 }, 2),
        client: never,
      },
    ],
  ],
  [
    "timeout / blackhole × 100 %, no response",
    [
      got("not installed", { kind: "blackhole" }, 2),
      got("installed", { kind: "blackhole", installs: true }, 1, "readback"),
      kept("not installed", { kind: "blackhole" }, "failed response_timeout", 3),
    ],
  ],
  [
    "timeout / blackhole × during response",
    [
      got("half a status line, not installed", { kind: "raw", steps: [{ write: "HTTP/1.1 20" }], ending: "mute" }, 2),
      got(
        "half the headers, not installed",
        { kind: "raw", steps: [{ write: "HTTP/1.1 200 OK\r\nx: " }], ending: "mute" },
        2,
      ),
      got("the answer drips, installed", { kind: "drip", everyMs: 150, part: "all" }, 1, "readback"),
    ],
  ],
  [
    "timeout / blackhole × verify",
    [
      misread("no answer", { kind: "blackhole" }),
      unread("no answer", { kind: "blackhole" }, "unknown unverified"),
      unread("nothing is read", { kind: "hold" }, "unknown unverified"),
    ],
  ],
  ...endings.flatMap((ending): readonly (readonly [Place, readonly Variant[]])[] => [
    [
      "RST / FIN × headers/0 %",
      [
        got(ending, { kind: "cut", at: "headers", ending }, 2),
        kept(ending, { kind: "cut", at: "headers", ending }, "failed connection_lost", 3),
      ],
    ],
    [
      "RST / FIN × 50 %",
      [
        got(ending, { kind: "cut", at: half, ending }, 2),
        kept(ending, { kind: "cut", at: half, ending }, "failed connection_lost", 3),
      ],
    ],
    [
      "RST / FIN × 100 %, no response",
      [
        got(`${ending}, not installed`, { kind: "cut", at: "received", ending }, 2),
        got(`${ending}, installed`, { kind: "cut", at: "installed", ending }, 1, "readback"),
        kept(ending, { kind: "cut", at: "received", ending }, "failed connection_lost", 3),
      ],
    ],
    [
      "RST / FIN × during response",
      [got(`${ending}, installed`, { kind: "cut", at: { reply: 12 }, ending }, 1, "readback")],
    ],
    [
      "RST / FIN × verify",
      [
        misread(ending, { kind: "cut", at: "headers", ending }),
        unread(ending, { kind: "cut", at: "headers", ending }, "unknown unverified"),
      ],
    ],
  ]),
  [
    "RST / FIN × 100 %, no response",
    [
      {
        name: "the send's answer is lost, and so are all reads",
        script: [
          { on: "update", fault: { kind: "cut", at: "installed" } },
          { on: "version", skip: 1, times: always, fault: { kind: "cut", at: "headers" } },
        ],
        outcome: "unknown outcome_unknown",
        sends: 1,
      },
    ],
  ],
];

const refused: readonly (readonly [Place, readonly Variant[]])[] = [
  [
    "early 401/403/404/413/415 × headers/0 %",
    refusals.map((status) => kept(`${status}`, at(status, 0), "failed refused", 1)),
  ],
  [
    "early 401/403/404/413/415 × 50 %",
    refusals.map((status) => kept(`${status}`, at(status, half), "failed refused", 1)),
  ],
  [
    "early 401/403/404/413/415 × 100 %, no response",
    [400, 405, 409, 422, ...refusals].map((status) =>
      kept(`${status}`, { kind: "status", status }, "failed refused", 1),
    ),
  ],
  [
    "early 401/403/404/413/415 × verify",
    [401, 403, 404].map((status) => unread(`${status}`, { kind: "status", status }, "failed refused")),
  ],
  [
    "408/429/503 × headers/0 %",
    busy.flatMap((status) => [
      got(`${status}`, at(status, 0), 2),
      { ...got(`${status} with Retry-After: 0`, at(status, 0, { "retry-after": "0" }), 2), delay: 0 },
      { ...got(`${status} with Retry-After: 1`, at(status, 0, { "retry-after": "1" }), 2), delay: 1_000 },
    ]),
  ],
  ["408/429/503 × 50 %", busy.map((status) => got(`${status}`, at(status, half), 2))],
  [
    "408/429/503 × 100 %, no response",
    busy.flatMap((status) => [
      got(`${status}`, { kind: "status", status }, 2),
      got(`${status} although installed`, { kind: "status", status, installs: true }, 1, "readback"),
      kept(`${status}`, { kind: "status", status }, "failed device_busy", 3),
    ]),
  ],
  [
    "408/429/503 × verify",
    [
      ...busy.map((status) => misread(`${status}`, { kind: "status", status })),
      unread("503", { kind: "status", status: 503 }, "unknown unverified"),
    ],
  ],
  ["other 5xx × headers/0 %", broken.map((status) => got(`${status}`, at(status, 0), 2))],
  ["other 5xx × 50 %", broken.map((status) => got(`${status}`, at(status, half), 2))],
  [
    "other 5xx × 100 %, no response",
    [
      ...broken.flatMap((status) => [
        got(`${status}`, { kind: "status", status }, 2),
        kept(`${status}`, { kind: "status", status }, "failed device_error", 3),
      ]),
      // It cannot do that, and will not be able to the next time.
      ...[501, 505].map((status) => kept(`${status}`, { kind: "status", status }, "failed device_error", 1)),
      got("500 although installed", { kind: "status", status: 500, installs: true }, 1, "readback"),
    ],
  ],
  [
    "other 5xx × verify",
    [
      misread("500", { kind: "status", status: 500 }),
      unread("502", { kind: "status", status: 502 }, "unknown unverified"),
    ],
  ],
  ["3xx × headers/0 %", moved.map((status) => kept(`${status}`, at(status, 0, elsewhere), "failed redirected", 1))],
  ["3xx × 50 %", moved.map((status) => kept(`${status}`, at(status, half, elsewhere), "failed redirected", 1))],
  [
    "3xx × 100 %, no response",
    moved.map((status) => kept(`${status}`, { kind: "redirect", status, ...elsewhere }, "failed redirected", 1)),
  ],
  [
    "3xx × verify",
    moved.map((status) => unread(`${status}`, { kind: "redirect", status, ...elsewhere }, "failed redirected")),
  ],
];

const early: readonly (readonly [Place, readonly Variant[]])[] = [
  [
    "early 2xx, body unfinished × headers/0 %",
    [got("200", at(200, 0), 2), got("204", at(204, 0), 2), kept("200", at(200, 0), "failed early_reply", 3)],
  ],
  [
    "early 2xx, body unfinished × 50 %",
    [
      got("200", at(200, half), 2),
      got("200, then rst", { kind: "status", status: 200, afterBytes: half, afterwards: "rst" }, 2),
      kept("200", at(200, half), "failed early_reply", 3),
    ],
  ],
];

const unusable: readonly (readonly [Place, readonly Variant[]])[] = [
  [
    "malformed / oversize / drip / 1xx flood × headers/0 %",
    [
      got("no HTTP", { kind: "malformed", reply: "no-http", early: true }, 2),
      kept("no HTTP", { kind: "malformed", reply: "no-http", early: true }, "failed malformed_reply", 3),
      got("an endless body", { kind: "raw", at: 0, steps: endlessSpaces, ending: "mute" }, 2),
      got("interim answers without end", { kind: "information-flood" }, 2),
    ],
  ],
  [
    "malformed / oversize / drip / 1xx flood × 50 %",
    [
      got("no HTTP", { kind: "raw", at: half, steps: [{ write: "I am not a web server\r\n\r\n" }], ending: "mute" }, 2),
      got("an endless body", { kind: "raw", at: half, steps: endlessSpaces, ending: "mute" }, 2),
      got(
        "interim answers without end",
        { kind: "raw", at: half, steps: [{ write: hint, times: always }], ending: "mute" },
        2,
      ),
      got(
        "an answer that drips",
        { kind: "raw", at: half, steps: [{ write: hint, times: always, everyMs: 20 }], ending: "hold" },
        2,
      ),
    ],
  ],
  [
    "malformed / oversize / drip / 1xx flood × 100 %, no response",
    [
      got("no HTTP, installed", { kind: "malformed", reply: "no-http" }, 1, "readback"),
      got("an endless status line, installed", { kind: "endless", part: "status-line" }, 1, "readback"),
      got("interim answers without end, not installed", { kind: "raw", steps: [{ write: hint, times: always }] }, 2),
    ],
  ],
  [
    "malformed / oversize / drip / 1xx flood × during response",
    [
      got("an oversize body", { kind: "oversize-body", bytes: 2_000_000 }, 1, "readback"),
      got("an endless chunked body", { kind: "oversize-body", bytes: always, framing: "chunked" }, 1, "readback"),
      got("oversize headers", { kind: "oversize-headers", bytes: 1_000_000 }, 1, "readback"),
      got("an endless header", { kind: "endless", part: "header" }, 1, "readback"),
      got("an endless chunk extension", { kind: "endless", part: "chunk-extension" }, 1, "readback"),
      got("endless trailers", { kind: "endless", part: "trailers" }, 1, "readback"),
      got("a body cut short", { kind: "malformed", reply: "truncated-body" }, 1, "readback"),
    ],
  ],
  [
    "malformed / oversize / drip / 1xx flood × verify",
    [
      misread("no HTTP", { kind: "malformed", reply: "no-http" }),
      misread("no JSON", { kind: "body", body: "<html>" }),
      misread("an oversize body", { kind: "oversize-body", bytes: 2_000_000 }),
      unread("no HTTP", { kind: "malformed", reply: "no-http" }, "unknown unverified"),
      unread("no JSON", { kind: "body", body: "<html>" }, "unknown unverified"),
      unread("an oversize body", { kind: "oversize-body", bytes: 2_000_000 }, "unknown unverified"),
      unread("a body that drips", { kind: "drip", everyMs: 300, part: "all" }, "unknown unverified"),
      unread("interim answers without end", { kind: "information-flood" }, "unknown unverified"),
    ],
  ],
];

const lies: readonly (readonly [Place, readonly Variant[]])[] = [
  [
    "reports the old version × verify",
    [
      kept("a lying 200", { kind: "lying-200" }, "failed not_updated", 1),
      {
        ...kept(
          "a silent rollback within the stable window",
          { kind: "silent-rollback", afterMs: 60 },
          "failed not_updated",
          1,
        ),
        client: { verification: { stableFor: 300, deadline: 1_500 } },
      },
      {
        name: "the new version without a boot",
        script: [
          { on: "update", fault: { kind: "lying-200" } },
          { on: "version", skip: 1, times: always, fault: { kind: "report", members: { version: "2.0.0" } } },
        ],
        outcome: "failed not_updated",
        sends: 1,
      },
    ],
  ],
  [
    "reports another version, stably × verify",
    [
      kept("another version", { kind: "wrong-version", version: "1.5.0" }, "failed wrong_version", 1),
      kept(
        "the right version with another digest",
        { kind: "wrong-version", version: "2.0.0", digest: "ab".repeat(32) },
        "failed wrong_digest",
        1,
      ),
    ],
  ],
  [
    "reports another device × verify",
    [unread("another device", { kind: "report", members: { id: "pos-999" } }, "failed wrong_device")],
  ],
];

export const variants: readonly (readonly [Place, readonly Variant[]])[] = [
  ...lost,
  ...refused,
  ...early,
  ...unusable,
  ...lies,
];
