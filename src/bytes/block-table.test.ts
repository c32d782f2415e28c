import { expect, test } from "vitest";
import { blockSize, createBlockTable } from "./block-table.ts";
import { pattern, sha256 } from "./kit.suite.ts";

function build(bytes: Buffer, expected?: number) {
  const builder = createBlockTable(expected);
  for (let at = 0; at < bytes.length; at += blockSize) builder.add(bytes.subarray(at, at + blockSize));
  return builder.finish();
}

test.each([0, 1, 3, 9])(
  "A table of %i blocks knows each block and the whole, whatever length was expected",
  (count) => {
    const bytes = pattern(count * blockSize + 5);
    for (const expected of [undefined, bytes.length, 1]) {
      const { digest, length, table } = build(bytes, expected);
      expect(digest).toBe(sha256(bytes));
      expect(length).toBe(bytes.length);
      expect(table.blocks).toBe(count + 1);
      for (let index = 0; index <= count; index++)
        expect(table.check(index, bytes.subarray(index * blockSize, (index + 1) * blockSize))).toBe(true);
    }
  },
);

test("One flipped bit, a missing byte or another block's bytes are seen", () => {
  const bytes = pattern(3 * blockSize);
  const { table } = build(bytes);
  const block = Buffer.from(bytes.subarray(blockSize, 2 * blockSize));
  expect(table.check(1, block)).toBe(true);
  expect(table.check(0, block)).toBe(false);
  expect(table.check(2, block)).toBe(false);
  expect(table.check(1, block.subarray(1))).toBe(false);
  for (const at of [0, 77_777, blockSize - 1]) {
    block.writeUInt8(block.readUInt8(at) ^ 0x10, at);
    expect(table.check(1, block)).toBe(false);
    block.writeUInt8(block.readUInt8(at) ^ 0x10, at);
  }
});
