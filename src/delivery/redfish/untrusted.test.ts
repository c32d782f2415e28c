import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { JsonValue } from "../shared/json.ts";
import { linkOf, membersOf } from "./resource.ts";
import { chooseRoute } from "./route.ts";
import { createPlans } from "./settings.ts";
import { beginning, fold, type Look, readError, readTask } from "./task.ts";

const origin = "https://bmc.example";
const plan = createPlans().sending(undefined);
const runs = { numRuns: 2_000 };

/** Anything, and often something that looks like what is looked for. */
const names = [
  "TaskState",
  "TaskStatus",
  "Messages",
  "MessageId",
  "Members",
  "@odata.id",
  "Members@odata.nextLink",
].concat([
  "HttpPushUri",
  "MultipartHttpPushUri",
  "MaxImageSizeBytes",
  "HttpPushUriOptions",
  "error",
  "@Message.ExtendedInfo",
]);
const uri = fc.oneof(
  fc.webUrl(),
  fc.string(),
  fc.string().map((text) => `/${text}`),
  fc.constant("//evil.example/"),
);
const { value } = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    uri,
    fc.jsonValue() as fc.Arbitrary<JsonValue>,
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom(...names), tie("value"), { maxKeys: 5 }),
  ),
}));

describe("whatever a device says", () => {
  it("leads to a path of its own, or nowhere", () => {
    const check = (link: ReturnType<typeof linkOf>) => {
      if (!("path" in link)) return;
      expect(new URL(link.path, origin).origin).toBe(origin);
      expect(link.path).toMatch(/^\/(?!\/)[\x21-\x7e]*$/);
    };
    fc.assert(
      fc.property(fc.oneof(uri, value), (given) => check(linkOf(given, origin))),
      runs,
    );
    fc.assert(
      fc.property(value, (page) => {
        const { links, next } = membersOf(page, origin);
        for (const link of [...links, next]) check(link);
      }),
      runs,
    );
  });

  it("is sent an image at a path of its own, or none", () => {
    fc.assert(
      fc.property(value, (updates) => {
        const route = chooseRoute(updates, plan, origin);
        if ("problem" in route) expect(route.problem).toMatch(/^[\x20-\x7e]+$/);
        else expect(new URL(route.path, origin).origin).toBe(origin);
      }),
      runs,
    );
  });

  it("comes to a verdict, and to words that are plain", () => {
    const look = fc.oneof(
      fc.record({ kind: fc.constant("fault" as const), code: fc.constant("connection_lost" as const) }),
      fc
        .record({ status: fc.integer({ min: 100, max: 999 }), body: value })
        .map(({ status, body }): Look => ({ kind: "reply", status, task: readTask(body), error: readError(body) })),
    );
    fc.assert(
      fc.property(fc.array(look, { maxLength: 12 }), fc.boolean(), fc.boolean(), (looks, staged, task) => {
        let watch = beginning;
        for (const one of looks) {
          const [next, verdict] = fold(watch, one, { staged, task });
          watch = next;
          expect(["poll", "ask-task", "installed", "staged", "lost", "failed"]).toContain(verdict.kind);
          if (verdict.kind === "failed") {
            expect(verdict.messages.length).toBeLessThanOrEqual(5);
            for (const text of [verdict.how, ...verdict.messages]) expect(text).toMatch(/^[\w ,.]{1,256}$/);
          }
        }
      }),
      runs,
    );
  });
});
