import fc from "fast-check";
import { expect, it } from "vitest";
import { createVirtualClock } from "../../testing/virtual-clock.ts";
import { Listener } from "./listener.ts";
import type { VerdictEvent } from "./verdict.ts";

const statuses = ["IDLE", "DOWNLOAD", "START", "RUN", "SUBPROCESS", "SUCCESS", "FAILURE", "DONE"] as const;
const event = fc.oneof<fc.Arbitrary<VerdictEvent>[]>(
  fc.constantFrom<VerdictEvent>({ kind: "received" }, { kind: "refused" }, { kind: "channel-lost" }),
  fc.boolean().map((wholly) => ({ kind: "broken", wholly, at: 0 })),
  fc.constantFrom(...statuses).map((status) => ({ kind: "frame", frame: { type: "status", status }, at: 0 })),
  fc.constant<VerdictEvent>({ kind: "frame", frame: { type: "taken-on" }, at: 0 }),
  fc.constant<VerdictEvent>({ kind: "frame", frame: { type: "complaint", text: "no" }, at: 0 }),
);

/** What the two connections tell, in any order and any silence between, ends no later than the deadline. */
it("waits for no verdict beyond the deadline, whatever is told and whatever is not", async () => {
  const told = fc.array(fc.tuple(event, fc.integer({ min: 0, max: 8_000 })), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(told, fc.integer({ min: 1, max: 100_000 }), async (events, deadline) => {
      const clock = createVirtualClock();
      const listener = new Listener(clock);
      listener.tell({ kind: "sending", at: 0 });
      let decided: number | undefined;
      let taken: number | undefined;
      const waiting = [
        listener.decision({ deadline }).then(() => (decided = clock.now())),
        listener.takenOn(500).then(() => (taken = clock.now())),
      ];
      for (const [happening, pause] of events) {
        await clock.advance(pause);
        listener.tell("at" in happening ? { ...happening, at: clock.now() } : happening);
        // Whoever that woke looks at the state before time goes on.
        await clock.advance(0);
      }
      await clock.advance(Math.max(0, Math.max(deadline, 500) - clock.now()));
      await Promise.all(waiting);
      expect(decided).toBeLessThanOrEqual(Math.max(deadline, 0));
      expect(taken).toBeLessThanOrEqual(500);
      expect(clock.sleeping).toBe(0);
    }),
    { numRuns: 200 },
  );
}, 20_000);
