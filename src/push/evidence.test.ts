import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { DeviceState } from "../core/outcome.ts";
import { semver } from "../core/versions.ts";
import { newBoot, type Since } from "./boot.ts";
import { type Expectation, evidenceOf, type Fold, fold, judge, nothingRead, type Verdict } from "./evidence.ts";

const digest = "a".repeat(64);
const artifact = { name: "fw", version: "2.0.0", length: 10, digest };
const state = (over: Partial<DeviceState> = {}): DeviceState => ({
  version: "2.0.0",
  identity: "address",
  readAt: 10_000,
  ...over,
});
const since = (before?: DeviceState): Since => ({ startedAt: 5_000, ...(before && { before }) });
const expected = (over: Partial<Expectation> = {}): Expectation => ({
  device: "d1",
  artifact,
  versions: semver,
  newBoot: true,
  stableFor: 1_000,
  ...over,
});

describe("newBoot", () => {
  it.each([
    ["no send to compare with", state({ bootId: "b" }), undefined, "not-checked"],
    ["another boot id", state({ bootId: "b2" }), since(state({ bootId: "b1" })), "seen"],
    [
      "the same boot id, whatever the uptime",
      state({ bootId: "b1", uptime: 0 }),
      since(state({ bootId: "b1" })),
      "unchanged",
    ],
    ["up for less than since the send, by a second", state({ uptime: 4 }), since(), "seen"],
    ["up for longer than since the send, by a second", state({ uptime: 6 }), since(), "unchanged"],
    ["up for less than since the send, by less than rounding", state({ uptime: 4.9 }), since(), "unclear"],
    ["up for longer than since the send, by less than rounding", state({ uptime: 5.1 }), since(), "unclear"],
    [
      "whole seconds of a device that booted just before the send, or just after it",
      state({ uptime: 5, readAt: 10_050 }),
      since(state({ uptime: 0, readAt: 4_900 })),
      "unclear",
    ],
    [
      "the same, where another slot tells",
      state({ uptime: 5, readAt: 10_050, slot: "B" }),
      since(state({ uptime: 0, readAt: 4_900, slot: "A" })),
      "seen",
    ],
    [
      "the same, where the slot is the same",
      state({ uptime: 5, readAt: 10_050, slot: "A" }),
      since(state({ uptime: 0, readAt: 4_900, slot: "A" })),
      "unclear",
    ],
    [
      "whole seconds of a device that was up for long before the send",
      state({ uptime: 13, readAt: 10_050 }),
      since(state({ uptime: 8, readAt: 4_900 })),
      "unchanged",
    ],
    [
      "up for less than since the send, though for longer than before it",
      state({ uptime: 4, readAt: 10_050 }),
      since(state({ uptime: 3, readAt: 4_900 })),
      "seen",
    ],
    ["an uptime that fell", state({ uptime: 6 }), since(state({ uptime: 90 })), "seen"],
    ["another slot", state({ slot: "B" }), since(state({ slot: "A" })), "seen"],
    ["the same slot", state({ slot: "A" }), since(state({ slot: "A" })), "unchanged"],
    ["a boot id without an earlier one", state({ bootId: "b" }), since(), "not-checked"],
    ["nothing reported", state(), since(state()), "not-reported"],
  ] as const)("%s", (_what, now, send, wanted) => {
    expect(newBoot(now, send)).toBe(wanted);
  });

  const roundings = [Math.floor, Math.round, Math.ceil, (seconds: number) => seconds] as const;
  /** Milliseconds: up before the first read, from it to the send, from the send to a boot, and to the read after it. */
  const times = {
    up: fc.nat(20_000),
    wait: fc.nat(500),
    boot: fc.nat(20_000),
    read: fc.nat(20_000),
    slow: fc.nat(3_000),
  };
  const history = fc.record({
    ...times,
    round: fc.constantFrom(...roundings),
    known: fc.boolean(),
    boots: fc.boolean(),
  });

  it("is never seen where there was none, and never denied where there was one, however uptimes are rounded", () => {
    const told = new Set<string>();
    const check = fc.property(history, ({ up, wait, boot, read, slow, round, known, boots }) => {
      const sent = 1_000_000 + wait;
      const began = sent + boot + read;
      // The answer was on its way after the device had looked at its clock; without an earlier read it must be quick.
      const late = known ? slow : 0;
      const before = { ...state({ uptime: round(up / 1_000) }), readAt: 1_000_000 };
      const uptime = round((boots ? read : up + wait + boot + read) / 1_000);
      const seen = newBoot(
        state({ uptime, readAt: began + late }),
        { startedAt: sent, ...(known && { before, beforeAt: 1_000_000 }) },
        known ? began : undefined,
      );
      told.add(`${boots} ${seen}`);
      expect(seen).not.toBe(boots ? "unchanged" : "seen");
    });
    fc.assert(check, { numRuns: 20_000 });
    expect([...told].sort()).toEqual(["false unchanged", "false unclear", "true seen", "true unclear"]);
  });
});

describe("judge", () => {
  const old = state({ version: "1.0.0" });
  it.each([
    ["the version", state(), expected(), { kind: "match", proved: "version", boot: "not-checked" }],
    ["the digest too", state({ digest }), expected(), { kind: "match", proved: "digest", boot: "not-checked" }],
    [
      "the digest alone",
      state({ digest, version: "?" }),
      expected({ artifact: { ...artifact, version: "" } }),
      { kind: "match", proved: "digest", boot: "not-checked" },
    ],
    ["nothing to compare", state(), expected({ artifact: { ...artifact, version: "" } }), { kind: "incomparable" }],
    [
      "another digest alone",
      state({ digest: "b".repeat(64) }),
      expected({ artifact: { ...artifact, version: "" } }),
      { kind: "old" },
    ],
    ["the right version, another digest", state({ digest: "b".repeat(64) }), expected(), { kind: "wrong-digest" }],
    [
      "the image it ran before, same version",
      state({ digest: "b".repeat(64) }),
      expected({ since: since(state({ digest: "b".repeat(64) })) }),
      { kind: "old" },
    ],
    ["the old version", old, expected({ since: since(old) }), { kind: "old" }],
    ["another version, earlier one unknown", state({ version: "3.0.0" }), expected(), { kind: "old" }],
    [
      "another version than before and after",
      state({ version: "3.0.0" }),
      expected({ since: since(old) }),
      { kind: "other" },
    ],
    ["another build of the version", state({ version: "2.0.0+b" }), expected({ since: since(old) }), { kind: "other" }],
    ["its own id", state({ deviceId: "d1" }), expected(), { kind: "match", proved: "version", boot: "not-checked" }],
    ["another device's id", state({ deviceId: "d2" }), expected(), { kind: "wrong-device" }],
    [
      "no boot since",
      state({ bootId: "x" }),
      expected({ since: since(state({ version: "1.0.0", bootId: "x" })) }),
      { kind: "no-boot" },
    ],
    [
      "a boot that its uptime cannot tell, and a version that changed",
      state({ uptime: 5, readAt: 10_050 }),
      expected({ since: since(state({ version: "1.0.0", uptime: 0, readAt: 4_900 })) }),
      { kind: "match", proved: "version", boot: "unclear" },
    ],
    [
      "a boot that its uptime cannot tell, and the same version before",
      state({ uptime: 5, readAt: 10_050 }),
      expected({ since: since(state({ uptime: 0, readAt: 4_900 })) }),
      { kind: "unclear" },
    ],
    [
      "a boot that its uptime cannot tell, and no version read before",
      state({ uptime: 5 }),
      expected({ since: since() }),
      { kind: "match", proved: "version", boot: "unclear" },
    ],
    [
      "a boot that its uptime cannot tell, and the digest",
      state({ uptime: 5, digest }),
      expected({ since: since() }),
      { kind: "match", proved: "digest", boot: "unclear" },
    ],
    [
      "a boot that its uptime denies, though the version changed",
      state({ uptime: 13, readAt: 10_050 }),
      expected({ since: since(state({ version: "1.0.0", uptime: 8, readAt: 4_900 })) }),
      { kind: "no-boot" },
    ],
    [
      "no boot, none asked for",
      state({ bootId: "x" }),
      expected({ newBoot: false, since: since(state({ version: "1.0.0", bootId: "x" })) }),
      { kind: "match", proved: "version", boot: "not-checked" },
    ],
  ] as const)("%s", (_what, now, wanted, reading) => {
    expect(judge(now, wanted)).toEqual(reading);
  });
});

describe("fold", () => {
  function run(
    reads: readonly (readonly [at: number, DeviceState | undefined])[],
    wanted: Expectation,
  ): [Fold, Verdict[]] {
    let known = nothingRead;
    const verdicts: Verdict[] = [];
    for (const [at, read] of reads) {
      let verdict: Verdict;
      [known, verdict] = fold(known, read, at, wanted);
      verdicts.push(verdict);
    }
    return [known, verdicts];
  }

  it("is proven once good reads span the stable time", () => {
    const [known, verdicts] = run(
      [
        [0, undefined],
        [250, state({ readAt: 1 })],
        [1_249, state()],
        [1_250, state({ readAt: 3 })],
      ],
      expected(),
    );
    expect(verdicts).toEqual(["poll", "hold", "hold", "proven"]);
    expect(evidenceOf(known, "ok", expected())).toMatchObject({
      reads: 4,
      firstSeenAt: 1,
      lastSeenAt: 3,
      health: "ok",
      proved: "version",
    });
  });

  it("begins anew after a read that fails, shows the old version, or another boot", () => {
    const before = state({ version: "1.0.0", bootId: "b0" });
    const wanted = expected({ since: since(before) });
    const good = (bootId: string) => state({ bootId });
    expect(
      run(
        [
          [0, good("b1")],
          [500, undefined],
          [1_000, good("b1")],
        ],
        wanted,
      )[1],
    ).toEqual(["hold", "poll", "hold"]);
    expect(
      run(
        [
          [0, good("b1")],
          [500, before],
          [1_000, good("b1")],
        ],
        wanted,
      )[1],
    ).toEqual(["hold", "poll", "hold"]);
    expect(
      run(
        [
          [0, good("b1")],
          [1_000, good("b2")],
          [2_000, good("b2")],
        ],
        wanted,
      )[1],
    ).toEqual(["hold", "hold", "proven"]);
  });

  it("polls past a bootloader's version, and calls another version wrong once it is stable", () => {
    const wanted = expected({ since: since(state({ version: "1.0.0" })) });
    const loader = state({ version: "boot-7" });
    expect(
      run(
        [
          [0, loader],
          [5_999, loader],
          [6_100, state()],
          [7_100, state()],
        ],
        wanted,
      )[1],
    ).toEqual(["poll", "poll", "hold", "proven"]);
    expect(
      run(
        [
          [0, loader],
          [3_000, loader],
          [6_000, loader],
        ],
        wanted,
      )[1],
    ).toEqual(["poll", "poll", "wrong-version"]);
  });

  it("makes no evidence of anything but a proven row", () => {
    expect(() => evidenceOf(nothingRead, "ok", expected())).toThrow(TypeError);
  });
});
