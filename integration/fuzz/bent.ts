import { Buffer } from "node:buffer";
import fc from "fast-check";
import { fragments } from "./recorded.ts";

type Bend = readonly [kind: number, at: number, value: number, piece: number];

const pieces = fragments.map((text) => Buffer.from(text));

/** One of `samples` as bytes, with one to four things done to it; one in ten is left as it was. */
export function bent(samples: readonly string[]): fc.Arbitrary<Buffer> {
  const bytes = samples.map((text) => Buffer.from(text));
  const bend = fc.tuple(fc.nat(7), fc.nat(4_095), fc.nat(255), fc.nat(pieces.length - 1));
  const bends = fc.oneof(
    { weight: 9, arbitrary: fc.array(bend, { minLength: 1, maxLength: 4 }) },
    { weight: 1, arbitrary: fc.constant([]) },
  );
  return fc
    .tuple(fc.nat(bytes.length - 1), bends)
    .map(([which, all]) =>
      (all as readonly Bend[]).reduce<Buffer>(
        (text, one) => bendOnce(text, one, bytes),
        bytes[which] ?? Buffer.alloc(0),
      ),
    );
}

function bendOnce(bytes: Buffer, [kind, at, value, piece]: Bend, all: readonly Buffer[]): Buffer {
  const [place, amount] = [at % (bytes.length + 1), value % 64];
  const [before, after] = [bytes.subarray(0, place), bytes.subarray(place)];
  const fragment = pieces[piece] ?? Buffer.alloc(0);
  switch (kind) {
    case 0: {
      const flipped = Buffer.from(bytes);
      if (place < flipped.length) flipped[place] = (flipped[place] ?? 0) ^ (1 << (value % 8));
      return flipped;
    }
    case 1:
      return Buffer.concat([before, Buffer.of(value), after.subarray(1)]);
    case 2:
      return Buffer.concat([before, after.subarray(amount)]);
    case 3:
      return Buffer.from(before);
    case 4:
      return Buffer.concat([before, after.subarray(0, amount), after]);
    case 5:
      return Buffer.concat([before, fragment, after]);
    case 6:
      return Buffer.concat([before, fragment, after.subarray(fragment.length)]);
    default: {
      const other = all[value % all.length] ?? bytes;
      return Buffer.concat([before, other.subarray(place % (other.length + 1))]);
    }
  }
}
