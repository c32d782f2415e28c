import { expect, it } from "vitest";
import { counted, formatBytes, formatMs, printable, printableJson } from "./text.ts";

const hostile = "a\u001b[31mb\u009b2Jc\rd\ne\u202ef\u2066g\u200bh\u2028i\u0000j\ud800k\u{e0041}l";

it("leaves nothing that moves a cursor, turns the direction or hides", () => {
  expect(printable(hostile)).toBe("a[31mb2Jcdefghijkl");
  expect(printable("Gerät 7 – 東京 👍")).toBe("Gerät 7 – 東京 👍");
});

it("writes JSON that is harmless and parses to the same", () => {
  const json = printableJson({ id: hostile });
  expect(json).toBe(printable(json));
  expect(JSON.parse(json)).toEqual({ id: hostile });
});

it.each([
  [0, "0 B"],
  [999, "999 B"],
  [1_000, "1.0 kB"],
  [999_600, "1.0 MB"],
  [10_000_000, "10.0 MB"],
  [235_400_000, "235 MB"],
  [5e15, "5000 TB"],
])("%d bytes are %s", (bytes, text) => expect(formatBytes(bytes)).toBe(text));

it.each([
  [0, "0 ms"],
  [999, "999 ms"],
  [999.7, "1.0 s"],
  [4_420, "4.4 s"],
  [125_000, "2 min 5 s"],
  [179_700, "3 min 0 s"],
  [90_000_000, "25 h 0 min"],
])("%d ms are %s", (ms, text) => expect(formatMs(ms)).toBe(text));

it.each([
  [1, "1 device"],
  [0, "0 devices"],
  [2, "2 devices"],
])("%i", (count, text) => expect(counted(count, "device")).toBe(text));
