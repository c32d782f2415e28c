import { Buffer } from "node:buffer";
import fc from "fast-check";
import { describe, expect } from "vitest";
import { compileState, readState } from "../../src/delivery/http/state-plan.ts";
import { type linkOf, membersOf } from "../../src/delivery/redfish/resource.ts";
import { chooseRoute } from "../../src/delivery/redfish/route.ts";
import { createPlans } from "../../src/delivery/redfish/settings.ts";
import { beginning, fold, readError, readTask } from "../../src/delivery/redfish/task.ts";
import { maxJsonDepth, readJson } from "../../src/delivery/shared/json.ts";
import { compilePointer, readPointer } from "../../src/delivery/shared/json-pointer.ts";
import { excerpt, isPrintable } from "../../src/delivery/shared/text.ts";
import { readFrame } from "../../src/delivery/swupdate/frames.ts";
import { decide, fold as foldVerdict, initialState } from "../../src/delivery/swupdate/verdict.ts";
import { bent } from "./bent.ts";
import { fuzzTest, judge } from "./kit.ts";
import { documents } from "./recorded.ts";

const origin = "http://10.0.0.12";
const redfish = createPlans().sending(undefined);

const pointers = ["", "/version", "/StatusFWR/Version", "/Members/0", "/__proto__/version", "/toString", "/a~1b"];

const deepest = (value: unknown): number =>
  typeof value === "object" && value !== null ? 1 + Math.max(0, ...Object.values(value).map(deepest)) : 0;

/** What stands for "refused" where a reader says what is wrong instead of throwing. */
const readingOf = (reading: object) => ("problem" in reading ? { refused: "problem" } : { value: reading });

describe("a device's JSON", () => {
  fuzzTest("is read as JSON.parse reads it, bounded, or refused in our words", 150_000, bent(documents), (bytes) => {
    const json = readJson(bytes);
    if ("problem" in json) {
      expect(json.problem).toMatch(/^[\w ,-]{1,80}$/);
      return { refused: json.problem };
    }
    expect(deepest(json.value)).toBeLessThanOrEqual(maxJsonDepth);
    expect(JSON.stringify(json.value)).toBe(JSON.stringify(JSON.parse(new TextDecoder().decode(bytes))));
    for (const pointer of pointers) {
      const found = readPointer(json.value, compilePointer(pointer) ?? []);
      expect(["undefined", "object", "string", "number", "boolean"]).toContain(typeof found);
    }
    return { value: json.value };
  });

  const plans = [
    compileState({
      pointer: "/version",
      also: { digest: "/digest", deviceId: "/id", bootId: "/bootId", uptime: "/uptime" },
    }),
    compileState({ pointer: "/version" }),
    compileState({ text: true }),
    compileState({ pattern: '"ver(?:sion)?":"([^"]*)"' }),
  ];
  const plan = fc.constantFrom(...plans);
  fuzzTest(
    "is a state of short printable texts, or none",
    100_000,
    fc.tuple(plan, bent(documents), fc.boolean()),
    ([chosen, bytes, delimited]) => {
      const reading = readState(chosen, bytes, delimited);
      if ("problem" in reading) {
        expect(isPrintable(reading.problem)).toBe(true);
        return { refused: "problem" };
      }
      const { uptime, ...texts } = reading.state;
      for (const text of Object.values(texts)) expect(isPrintable(String(text))).toBe(true);
      if (uptime !== undefined) expect(uptime).toBeGreaterThanOrEqual(0);
      if (reading.state.digest !== undefined) expect(reading.state.digest).toMatch(/^[\da-f]{64}$/);
      return { value: reading.state };
    },
  );

  fuzzTest("that is kept of an answer is at most 1 KiB and steers nothing", 50_000, bent(documents), (bytes) => {
    const kept = excerpt(bytes);
    if (kept === undefined) return { refused: "nothing to keep" };
    expect(kept.length).toBeLessThanOrEqual(1_024);
    expect(kept).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}]/u);
    return { value: kept };
  });
});

/** Never to another origin, never as anything but a plain path. */
function staysHere(link: ReturnType<typeof linkOf>): void {
  if (!("path" in link)) return;
  expect(link.path).toMatch(/^\/(?!\/)[\x21-\x7e]*$/);
  expect(new URL(link.path, origin).origin).toBe(origin);
}

describe("Redfish documents", () => {
  fuzzTest("lead to paths of the device alone, and to a verdict", 100_000, bent(documents), (bytes) => {
    const json = readJson(bytes);
    if ("problem" in json) return { refused: json.problem };
    const { links, next } = membersOf(json.value, origin);
    for (const link of [...links, next]) staysHere(link);
    const route = chooseRoute(json.value, redfish, origin);
    if (!("problem" in route)) staysHere({ path: route.path });
    const look = { kind: "reply", status: 200, task: readTask(json.value), error: readError(json.value) } as const;
    const [, verdict] = fold(beginning, look, { staged: false, task: true });
    if (verdict.kind === "failed")
      for (const text of [verdict.how, ...verdict.messages]) expect(isPrintable(text)).toBe(true);
    return readingOf(route);
  });
});

describe("SWUpdate messages", () => {
  const frames = documents.filter((text) => text.includes('"type"'));
  const told = [
    ...frames,
    ...["IDLE", "DOWNLOAD", "START", "RUN", "SUBPROCESS", "FAILURE", "DONE"].map(
      (s) => `{"type":"status","status":"${s}"}`,
    ),
    '{"type":"message","level":"6","text":"Software Update started !"}',
    '{"type":"step","number":"1","step":"1","name":"a.img","percent":"50"}',
  ];
  fuzzTest(
    "in any order come to a decision, and SUCCESS alone to installed",
    100_000,
    fc.array(bent(told), { maxLength: 8 }),
    (messages) => {
      let state = foldVerdict(initialState, { kind: "sending", at: 0 });
      const read = messages.map((bytes) => readFrame(bytes.toString("utf8")));
      for (const [at, frame] of read.entries()) {
        if (frame?.type === "complaint") expect(frame.text.length).toBeLessThanOrEqual(1_024);
        if (frame !== undefined && frame.type !== "step") state = foldVerdict(state, { kind: "frame", frame, at });
      }
      const { next } = decide(foldVerdict(state, { kind: "received" }), 0);
      expect(state.complaints.length).toBeLessThanOrEqual(8);
      if (next === "installed")
        expect(read.some((frame) => frame?.type === "status" && frame.status === "SUCCESS")).toBe(true);
      return next === "installed" ? { value: next } : { refused: next };
    },
  );

  fuzzTest("are read without a throw", 50_000, bent(told), (bytes) => {
    const frame = judge(() => readFrame(bytes.toString("utf8")));
    return "value" in frame && frame.value === undefined ? { refused: "nothing" } : frame;
  });
});

/** The sides of each case: what every reader must take, and what every reader must refuse (RFC 8259). */
const conformance = {
  taken: [
    "null",
    " 1 ",
    "-0",
    "1E+2",
    '"\\u00e9"',
    '""',
    "[]",
    "{}",
    '{"a":1,"a":2}',
    '"\\ud83d\\ude00"',
    '["\\u0000"]',
  ],
  refused: [
    ...["", " ", "nul", "NaN", "Infinity", "01", "+1", "1.", ".5", "1e", "0x1", "'a'", '"', '"\t"', '"\\x"', '"\\u12"'],
    ...["[1,]", "[,1]", "[1 2]", "{a:1}", '{"a"}', '{"a":}', '{"a":1,}', "{}x", "[1]]", "/**/1", "[1}", "\u00a01"],
  ],
};

describe("JSON conformance (RFC 8259)", () => {
  const cases = fc.constantFrom(
    ...conformance.taken.map((text) => [text, true] as const),
    ...conformance.refused.map((text) => [text, false] as const),
  );
  const padding = fc.string({ unit: fc.constantFrom(" ", "\n", "\t", "\r"), maxLength: 3 });
  fuzzTest("takes what it must and refuses what it must", 20_000, fc.tuple(cases, padding), ([[text, taken], pad]) => {
    const json = readJson(Buffer.from(`${pad}${text}${pad}`));
    expect("value" in json, JSON.stringify(text)).toBe(taken);
    return readingOf(json);
  });
});
