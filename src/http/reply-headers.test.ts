import { getHeapStatistics } from "node:v8";
import { describe, expect, it } from "vitest";
import { InternTable, same } from "./intern.ts";
import { RawReplyHeaders, replyHeaders } from "./reply-headers.ts";

const bytes = (text: string) => Buffer.from(text, "latin1");
const raw = (...parts: string[]) => parts.map(bytes);

describe("reply headers", () => {
  const headers = new RawReplyHeaders(raw("Content-Type", "text/plain", "X-A", "1", "x-a", "2", "__proto__", "p"));

  it("finds the first value of a name, whatever its case", () => {
    expect(headers.get("content-type")).toBe("text/plain");
    expect(headers.get("x-a")).toBe("1");
    expect(headers.get("__proto__")).toBe("p");
    expect(headers.get("constructor")).toBeUndefined();
    expect(headers.get("x-")).toBeUndefined();
  });

  it("lists all of them, names in lower case, in order", () => {
    expect([...headers]).toEqual([
      ["content-type", "text/plain"],
      ["x-a", "1"],
      ["x-a", "2"],
      ["__proto__", "p"],
    ]);
  });

  it("reads what interceptors hand over instead of bytes", () => {
    expect([...replyHeaders(["A", "1"])]).toEqual([["a", "1"]]);
    expect([...replyHeaders([])]).toEqual([]);
    expect([...replyHeaders(null)]).toEqual([]);
    expect([...replyHeaders({ a: "1" })]).toEqual([]);
  });

  it("keeps every byte of a value as Latin-1", () => {
    const all = Buffer.from(Array.from({ length: 60 }, (_, i) => 0xc4 + i));
    expect(new RawReplyHeaders([bytes("x"), all]).get("x")).toBe(all.toString("latin1"));
  });
});

describe("InternTable", () => {
  it("gives back what went in, long or short, whatever shares its slot", () => {
    const table = new InternTable();
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 5000; i++) expect(table.get(bytes(`value-${i}`), false)).toBe(`value-${i}`);
    }
    const long = "x".repeat(500);
    expect(table.get(bytes(long), false)).toBe(long);
    expect(table.get(bytes("AbZ-[@"), true)).toBe("abz-[@");
    expect(table.get(bytes("AbZ-[@"), false)).toBe("AbZ-[@");
    expect(table.get(bytes(""), false)).toBe("");
  });

  it("allocates nothing for a string it knows", () => {
    const table = new InternTable();
    const value = bytes("application/octet-stream");
    const allocated = () => (getHeapStatistics() as unknown as { total_allocated_bytes: number }).total_allocated_bytes;
    // The least of many rounds: compilation allocates too, in some of them.
    const perCall = (call: () => void) => {
      const rounds = Array.from({ length: 20 }, () => {
        const before = allocated();
        for (let i = 0; i < 100_000; i++) call();
        return (allocated() - before) / 100_000;
      });
      return Math.min(...rounds);
    };
    const fresh = perCall(() => void value.toString("latin1"));
    expect(perCall(() => void table.get(value, false))).toBeLessThan(fresh / 2);
  });
});

it("tells bytes from other bytes", () => {
  expect(same("abc", bytes("ABC"), true)).toBe(true);
  expect(same("abc", bytes("ABC"), false)).toBe(false);
  expect(same("abc", bytes("abd"), true)).toBe(false);
  expect(same("ab", bytes("abc"), true)).toBe(false);
});
