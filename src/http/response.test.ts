import { describe, expect, it } from "vitest";
import { ReplyBody } from "./response.ts";

const gather = (cap: number, announced: number, ...pieces: string[]) => {
  const body = new ReplyBody(cap, announced);
  const kept = pieces.map((piece) => body.push(Buffer.from(piece)));
  return { kept, text: Buffer.from(body.finish()).toString(), body };
};

describe("ReplyBody", () => {
  it.each([
    ["announced, in one piece", 5, ["hello"]],
    ["announced, in pieces", 5, ["he", "l", "lo"]],
    ["unannounced, in one piece", -1, ["hello"]],
    ["unannounced, in pieces", -1, ["hel", "lo"]],
    ["announced too small", 1, ["hel", "lo"]],
    ["announced too large", 1e12, ["hel", "lo"]],
    ["announced as nonsense", Number.NaN, ["hel", "lo"]],
    ["with an empty piece", -1, ["", "hello"]],
  ])("keeps a body that was %s", (_, announced, pieces) => {
    expect(gather(1000, announced as number, ...(pieces as string[])).text).toBe("hello");
  });

  it("is empty when nothing came", () => {
    expect(gather(10, 0).body.finish()).toHaveLength(0);
  });

  it("takes exactly the cap and not a byte more", () => {
    expect(gather(5, -1, "hel", "lo").kept).toEqual([true, true]);
    const over = gather(5, -1, "hel", "lo!");
    expect(over.kept).toEqual([true, false]);
    expect(over.text).toBe("hel");
    expect(gather(4, 5, "hello").kept).toEqual([false]);
  });

  it("keeps one piece without a copy", () => {
    const piece = Buffer.from("hello");
    const body = new ReplyBody(10, 5);
    body.push(piece);
    expect(body.finish()).toBe(piece);
  });

  it("allocates for what came, not for what was announced", () => {
    const body = new ReplyBody(2 ** 30, 2 ** 30);
    body.push(Buffer.from("x"));
    expect(body.finish().buffer.byteLength).toBeLessThanOrEqual(65_536);
  });

  it("grows by doubling, never above the cap", () => {
    const body = new ReplyBody(200_000, -1);
    for (let i = 0; i < 200; i++) body.push(Buffer.alloc(1000, i));
    const all = body.finish();
    expect(all).toHaveLength(200_000);
    expect(all.buffer.byteLength).toBe(200_000);
    for (let i = 0; i < 200; i++) expect(all[i * 1000]).toBe(i);
  });
});
