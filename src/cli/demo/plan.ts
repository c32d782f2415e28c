import type { ScriptEntry } from "../../../mocks/index.ts";
import type { DeviceOutcome, FlashwaveErrorCode } from "../../core/index.ts";

/** How a simulated device behaves, and what must therefore be found out about it. */
export interface Part {
  /** What it does, as the end of "a device that …". */
  readonly does: string;
  readonly script?: readonly ScriptEntry[];
  /** Well until it runs the new firmware. */
  readonly fallsIll?: boolean;
  /** Nothing listens at its address. */
  readonly absent?: boolean;
  readonly expects: Expected;
}

export interface Expected {
  readonly status: DeviceOutcome["status"];
  readonly code?: FlashwaveErrorCode;
  /** The codes of the attempts that fail on the way, in order. */
  readonly faults?: readonly FlashwaveErrorCode[];
}

export const firmwareBytes = 10_000_000;
export const oldVersion = "1.0.0";
export const newVersion = "2.0.0";

const always = Number.POSITIVE_INFINITY;
const half = firmwareBytes / 2;
const updated = (...faults: FlashwaveErrorCode[]): Expected => ({ status: "updated", faults });
const failed = (code: FlashwaveErrorCode, ...faults: FlashwaveErrorCode[]): Expected => ({
  status: "failed",
  code,
  faults,
});

export const well: Part = { does: "does everything right", expects: updated() };

export const peculiar: readonly Part[] = [
  {
    does: "answers 200 and installs nothing",
    script: [{ on: "update", fault: { kind: "lying-200" } }],
    expects: failed("not_updated"),
  },
  {
    does: "installs, and silently falls back to the old firmware",
    script: [{ on: "update", fault: { kind: "silent-rollback", afterMs: 150 } }],
    expects: failed("not_updated"),
  },
  {
    does: "comes up with a version that nobody sent",
    script: [{ on: "update", fault: { kind: "wrong-version", version: "1.9.9" } }],
    expects: failed("wrong_version"),
  },
  {
    does: "answers 200 at the first byte, every time",
    script: [{ on: "update", times: always, fault: { kind: "status", status: 200, afterBytes: 1 } }],
    expects: failed("early_reply", "early_reply", "early_reply", "early_reply"),
  },
  {
    does: "refuses the size with 413",
    script: [{ on: "update", fault: { kind: "status", status: 413, afterBytes: 0 } }],
    expects: failed("refused", "refused"),
  },
  {
    does: "runs the new firmware, but is not well with it",
    fallsIll: true,
    expects: failed("unhealthy"),
  },
  {
    does: "is not there",
    absent: true,
    expects: failed("connect_failed"),
  },
  {
    does: "takes everything, hangs up without an answer and is silent from then on",
    script: [
      { on: "update", fault: { kind: "cut", at: "received" } },
      { on: "version", times: always, skip: 1, fault: { kind: "blackhole" } },
    ],
    expects: { status: "unknown", code: "outcome_unknown", faults: ["connection_lost"] },
  },
  {
    does: "loses the connection at 50 %, once",
    script: [{ on: "update", fault: { kind: "cut", at: half } }],
    expects: updated("connection_lost"),
  },
  {
    does: "is busy at first (503, Retry-After: 1)",
    script: [{ on: "update", fault: { kind: "status", status: 503, headers: { "retry-after": "1" }, afterBytes: 0 } }],
    expects: updated("device_busy"),
  },
];

const devices = 24;

/** All parts: every other device is peculiar until those are used up, so that both kinds are under way together. */
export const cast: readonly Part[] = Array.from({ length: devices }, (_, index) =>
  index % 2 === 0 ? (peculiar[index / 2] ?? well) : well,
);
