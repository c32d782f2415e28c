import { describe, expect, it } from "vitest";
import { type DeviceStatus, readFrame } from "./frames.ts";
import { type Decision, decide, fold, initialState, type VerdictEvent, type VerdictState } from "./verdict.ts";

// Times are milliseconds since the upload began. `@5000` is the time of the question.
type Told =
  | DeviceStatus
  | "sending"
  | "received"
  | "refused"
  | "reset"
  | "cut"
  | "channel-lost"
  | `@${number}`
  | "taken-on"
  | `says ${string}`;

function told(script: readonly Told[]): { readonly state: VerdictState; readonly decision: Decision } {
  let at = 0;
  let state = initialState;
  for (const word of script) {
    if (word.startsWith("@")) at = Number(word.slice(1));
    else state = fold(state, eventOf(word as Exclude<Told, `@${number}`>, at));
    if (word === "FAILURE" && at === 0) at = 250;
  }
  return { state, decision: decide(state, at) };
}

function eventOf(word: Exclude<Told, `@${number}`>, at: number): VerdictEvent {
  if (word === "sending") return { kind: word, at };
  if (word === "received" || word === "refused" || word === "channel-lost") return { kind: word };
  if (word === "reset" || word === "cut") return { kind: "broken", wholly: word === "reset", at };
  if (word === "taken-on") return { kind: "frame", frame: { type: "taken-on" }, at };
  if (word.startsWith("says ")) return { kind: "frame", frame: { type: "complaint", text: word.slice(5) }, at };
  return { kind: "frame", frame: { type: "status", status: word as DeviceStatus }, at };
}

const begins = ["sending", "DOWNLOAD", "START", "RUN"] as const;
const wait = { next: "wait" } as const;
const installed = { next: "installed" } as const;
const lost = { next: "lost" } as const;
const failed = { next: "failed", interrupted: false } as const;
const interrupted = { next: "failed", interrupted: true } as const;

const seen: readonly (readonly [what: string, script: readonly Told[], decision: Decision])[] = [
  // As the real device tells them, in the orders in which they were seen.
  ["a good image", [...begins, "DOWNLOAD", "received", "RUN", "SUCCESS", "DONE"], installed],
  ["SUCCESS, and a restart that cuts everything", [...begins, "received", "SUCCESS", "channel-lost"], installed],
  ["RUN before the answer and nothing yet", [...begins, "received", "RUN"], wait],
  ["START before DOWNLOAD", ["sending", "START", "DOWNLOAD", "RUN", "received", "SUCCESS"], installed],
  ["a digest mismatch: 200 and FAILURE", [...begins, "DOWNLOAD", "received", "RUN", "FAILURE"], failed],
  ["a failing script: 200 and FAILURE", [...begins, "received", "RUN", "FAILURE"], failed],
  ["FAILURE before its 200", [...begins, "FAILURE", "received"], failed],
  ["a bad signature: reset, then FAILURE", ["sending", "reset", "DOWNLOAD", "RUN", "FAILURE"], failed],
  ["a bad signature: FAILURE, then reset", ["sending", "DOWNLOAD", "RUN", "FAILURE", "reset"], failed],
  ["a bad signature found half-way in the upload", ["sending", "DOWNLOAD", "RUN", "cut", "FAILURE"], failed],
  ["a stall: 408 and FAILURE", [...begins, "DOWNLOAD", "cut", "RUN", "FAILURE"], interrupted],
  ["a reset after the last byte left us", [...begins, "DOWNLOAD", "reset", "RUN", "FAILURE"], interrupted],
  ["cut mid-body", [...begins, "DOWNLOAD", "cut", "RUN", "FAILURE"], interrupted],
  ["a wrong method or login: refused", ["sending", "refused"], { next: "refused" }],
  [
    "a busy device: refused, whatever another's update says",
    ["sending", "RUN", "SUCCESS", "refused"],
    { next: "refused" },
  ],

  // The answer is lost, and the websocket decides.
  ["a lost answer and SUCCESS", [...begins, "reset", "RUN", "SUCCESS"], installed],
  ["SUCCESS and then a lost answer", [...begins, "SUCCESS", "reset"], installed],
  ["a lost answer, and not a word", ["sending", "@100", "reset", "@1099"], { next: "wait", until: 1_100 }],
  ["a lost answer, and not a word for a second", ["sending", "@100", "reset", "@1100"], lost],
  ["a lost answer while it installs, for however long", [...begins, "reset", "@900000"], wait],
  ["a cut while it receives", [...begins, "@100", "cut", "@5099"], { next: "wait", until: 5_100 }],
  ["a cut, and no verdict for five seconds", [...begins, "@100", "cut", "@5100"], lost],
  ["a lost answer and a lost channel", [...begins, "reset", "channel-lost"], lost],
  ["a lost channel alone", ["sending", "channel-lost"], wait],
  ["a lost channel and then an answer", [...begins, "channel-lost", "received"], lost],

  ["taken on, and FAILURE before anything else", ["sending", "taken-on", "reset", "FAILURE"], failed],
  ["taken on, and then not a word", ["sending", "taken-on", "reset", "@1000"], lost],

  // Verdicts that are none.
  ["DONE without SUCCESS", [...begins, "received", "DONE"], lost],
  ["IDLE without a verdict", [...begins, "received", "IDLE"], lost],
  ["a second verdict after the first", [...begins, "received", "FAILURE", "SUCCESS"], failed],
  ["a verdict that never comes", [...begins, "received", "@900000"], wait],
  [
    "a lost answer and a verdict on nothing that began",
    ["sending", "reset", "FAILURE"],
    { next: "wait", until: 1_000 },
  ],

  // Another client's update.
  ["another's verdict before ours began", ["SUCCESS", "DONE", "sending", "received"], wait],
  ["another's late SUCCESS", ["sending", "SUCCESS", "DONE", "received"], wait],
  [
    "another's late SUCCESS, then ours that fails",
    ["sending", "SUCCESS", ...begins.slice(1), "received", "FAILURE"],
    failed,
  ],
  ["another's late FAILURE, then ours that works", ["sending", "FAILURE", "START", "received", "SUCCESS"], installed],
  ["another that began after ours", [...begins, "received", "SUCCESS", "START", "FAILURE"], installed],
  ["another under way before ours", ["START", "RUN", "sending"], { next: "busy" }],
  ["another that ended before ours", ["START", "RUN", "FAILURE", "sending"], wait],
  ["another that has succeeded and is not done", ["START", "RUN", "SUCCESS", "sending"], { next: "busy" }],
  ["another that is done", ["START", "RUN", "SUCCESS", "DONE", "sending"], wait],
  [
    "another whose status came after its FAILURE",
    ["RUN", "@10", "FAILURE", "DOWNLOAD", "@2009", "sending"],
    { next: "busy" },
  ],
  ["another of which no more is heard: it is asked", ["RUN", "@10", "FAILURE", "DOWNLOAD", "@2010", "sending"], wait],
  ["our own earlier attempt, still under way", [...begins, "reset", "sending"], { next: "busy" }],
  ["our own earlier attempt, failed", [...begins, "cut", "FAILURE", "sending"], wait],

  ["FAILURE without a word yet", [...begins, "received", "@10", "FAILURE", "@259"], { next: "wait", until: 260 }],
  ["FAILURE without a word at all", [...begins, "received", "@10", "FAILURE", "@260"], failed],
  ["FAILURE and then why", [...begins, "received", "@10", "FAILURE", "says no"], failed],
  ["FAILURE and a lost channel", [...begins, "received", "@10", "FAILURE", "channel-lost"], failed],

  // A device that has failed and takes no end of it.
  ["FAILURE in the middle of the upload", [...begins, "@100", "FAILURE", "@5099"], { next: "wait", until: 5_100 }],
  ["FAILURE and no answer for five seconds", [...begins, "@100", "FAILURE", "@5100"], { next: "stop" }],
  ["nothing was sent", [], lost],
];

describe("the verdict on", () => {
  it.each(seen)("%s", (_what, script, decision) => {
    expect(told(script).decision).toEqual(decision);
  });

  it("keeps the latest complaints about this upload alone", () => {
    const many = Array.from({ length: 20 }, (_, at) => `says ${at}` as const);
    expect(told(["says before", "sending", "says early", "START", ...many]).state.complaints).toEqual([
      "12",
      "13",
      "14",
      "15",
      "16",
      "17",
      "18",
      "19",
    ]);
    expect(told([...begins, "says first", "FAILURE", "cut", "sending"]).state.complaints).toEqual([]);
  });
});

describe("a message of the websocket", () => {
  it.each<readonly [string, unknown]>([
    ['{\r\n\t"type": "status",\r\n\t"status": "RUN"\r\n}\r\n', { type: "status", status: "RUN" }],
    [
      '{"type": "message", "level": "3", "text": "ERROR : HASH mismatch"}',
      { type: "complaint", text: "ERROR : HASH mismatch" },
    ],
    ['{"type": "message", "level": 3, "text": "x"}', { type: "complaint", text: "x" }],
    ['{"type": "message", "level": "6", "text": "Software Update started !"}', { type: "taken-on" }],
    ['{"type": "message", "level": "6", "text": "Installation in progress"}', undefined],
    ['{"type": "message", "level": "3"}', undefined],
    [
      '{"type": "step", "number": "2", "step": "1", "name": "a", "percent": "7"}',
      { type: "step", step: 1, steps: 2, percent: 7 },
    ],
    ['{"type": "step", "number": 2, "step": 3, "percent": 7}', undefined],
    ['{"type": "step", "number": {"toString": "1"}, "step": "1", "percent": "7"}', undefined],
    ['{"type": "message", "level": {"toString": "3"}, "text": "x"}', undefined],
    ['{"type": "info", "source": "{\\"status\\": \\"SUCCESS\\"}"}', undefined],
    ['{"type": "status", "status": "SUCCESSFUL"}', undefined],
    ['{"type": "status", "status": {"toString": "SUCCESS"}}', undefined],
    ['{"__proto__": {"type": "status", "status": "SUCCESS"}}', undefined],
    ["[]", undefined],
    ["null", undefined],
    ['"SUCCESS"', undefined],
    ["SUCCESS", undefined],
    ["", undefined],
    ['{"type": "status", "status": "SUC', undefined],
    [`{"type": "status", "status": "SUCCESS", "x": "${"x".repeat(70_000)}"}`, undefined],
    ["[".repeat(10_000), undefined],
  ])("%.60s", (text, frame) => {
    expect(readFrame(text)).toEqual(frame);
  });

  it("is cut to what an error keeps", () => {
    const text = JSON.stringify({ type: "message", level: "3", text: "x".repeat(10_000) });
    expect(readFrame(text)).toEqual({ type: "complaint", text: "x".repeat(1_024) });
  });
});
