import { expect, it } from "vitest";
import { Sharing } from "./sharing.ts";

it("hands out one object for equal values, however many others there are", () => {
  const sharing = new Sharing<{ readonly n: number }>();
  const held = Array.from({ length: 5_000 }, (_, n) => sharing.share({ n }));
  expect(new Set(held).size).toBe(5_000);
  for (const [n, value] of held.entries()) expect(sharing.share({ n })).toBe(value);
});
