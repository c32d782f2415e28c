import { describe, expect, it } from "vitest";
import { type Candidate, chooseMember, type Images } from "./inventory.ts";

const at = (id: string, updateable?: boolean): Candidate => ({ path: `/inventory/${id}`, updateable });
const images = (active: string, ...kept: string[]): Images => ({
  active: `/inventory/${active}`,
  all: [active, ...kept].map((id) => `/inventory/${id}`),
});

describe("which member tells what runs", () => {
  it.each<readonly [what: string, candidates: readonly Candidate[], images: Images | undefined, id: string]>([
    ["the only one that can be updated", [at("bmc", true), at("boot", false), at("fpga", false)], undefined, "bmc"],
    ["the only one there is", [at("bmc")], undefined, "bmc"],
    ["the one marked, where others say nothing", [at("bmc", true), at("boot")], undefined, "bmc"],
    ["the active one of a manager's images", [at("old", true), at("new", true)], images("new", "old"), "new"],
    ["it, whatever cannot be updated", [at("old", true), at("new", true), at("x", false)], images("new", "old"), "new"],
  ])("%s", (_, candidates, kept, id) => expect(chooseMember(candidates, kept)).toBe(`/inventory/${id}`));

  it.each<readonly [what: string, candidates: readonly Candidate[], images: Images | undefined, says: RegExp]>([
    ["several", [at("bmc", true), at("bios", true)], undefined, /several.*bmc, bios$/],
    ["several that say nothing", [at("a"), at("b")], undefined, /a, b$/],
    ["a manager's image among others", [at("bmc", true), at("bios", true)], images("bmc"), /bmc, bios$/],
    ["an active image that cannot be updated", [at("old", true), at("x", true)], images("new", "old", "x"), /old, x$/],
    ["none", [at("a", false), at("b", false)], undefined, /^no member.*a, b$/],
    ["none, and a manager", [at("a", false)], images("a"), /^no member/],
  ])("it is not clear: %s", (_, candidates, kept, says) => {
    expect(chooseMember(candidates, kept)).toEqual({ problem: expect.stringMatching(says) });
  });

  it("names no more than help, and nothing that is no plain word", () => {
    const many = Array.from({ length: 40 }, (_, index) => at(`m${index}`, true));
    const evil = at("\u001b[2J<script>", true);
    const { problem } = chooseMember([evil, ...many], undefined) as { problem: string };
    expect(problem).toMatch(/m0, .*m11, …$/);
    expect(problem).toMatch(/^[\x20-\x7e…]*$/);
  });
});
