// Generated inputs against everything that reads what others wrote. The property is the same everywhere: either a
// checked value or a `FlashwaveError` with a code; never another error, a hang, a changed prototype or a loud message.
import fc from "fast-check";
import { afterAll, expect, it } from "vitest";
import { errorCodes, isFlashwaveError } from "../../src/core/errors.ts";
import { figure, scale, seed } from "../long.ts";

/** What became of one input: what was made of it, or the error that refused it. */
export type Verdict<T> = { readonly value: T } | { readonly refused: string };

/** Runs `read`; only a `FlashwaveError` that helps is an answer, everything else is a finding and goes through. */
export function judge<T>(read: () => T): Verdict<T> {
  try {
    return { value: read() };
  } catch (error) {
    return { refused: helpful(error) };
  }
}

export async function judgeLater<T>(read: () => Promise<T>): Promise<Verdict<T>> {
  try {
    return { value: await read() };
  } catch (error) {
    return { refused: helpful(error) };
  }
}

const longestMessage = 2_048;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const loud = /[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/;

/** The code of an error that says something, in a message that can be printed. */
function helpful(error: unknown): string {
  if (!isFlashwaveError(error)) throw error;
  if (!Object.hasOwn(errorCodes, error.code)) throw new Error(`no such code: ${error.code}`, { cause: error });
  if (error.message.length > longestMessage || loud.test(error.message))
    throw new Error("a message that cannot be printed", { cause: error });
  return error.code;
}

/** How many inputs one property was given, and what became of them. */
class Tally {
  inputs = 0;
  accepted = 0;

  count(verdict: Verdict<unknown>): void {
    this.inputs++;
    if ("value" in verdict) this.accepted++;
  }

  /** A generator that is always refused, or never, tests half of what it is meant to. */
  report(): void {
    expect(this.accepted, "accepted").toBeGreaterThan(0);
    expect(this.accepted, "accepted").toBeLessThan(this.inputs);
    figure("fuzz", { inputs: this.inputs, "of them accepted": this.accepted });
  }
}

/** Minutes are enough for the long run; a property that hangs ends here, and fails. */
const timeLimit = scale(60_000, 900_000);

/**
 * One property over generated inputs: `count` of them in the long run, a tenth in `npm test`.
 * @param check throws where it does not hold; what it returns says whether the input was accepted
 */
export function fuzzTest<T>(
  name: string,
  count: number,
  inputs: fc.Arbitrary<T>,
  check: (input: T) => Verdict<unknown>,
): void {
  it(
    name,
    () => {
      const tally = new Tally();
      const property = fc.property(inputs, (input) => tally.count(check(input)));
      fc.assert(property, { numRuns: scale(count / 10, count), seed });
      tally.report();
    },
    timeLimit,
  );
}

/**
 * The same for what is answered later.
 * @param batch how many inputs one of the generated ones holds; `check` tells what became of each
 */
export function fuzzLaterTest<T>(
  name: string,
  count: number,
  inputs: fc.Arbitrary<T>,
  check: (input: T) => Promise<Verdict<unknown> | readonly Verdict<unknown>[]>,
  batch = 1,
): void {
  it(
    name,
    async () => {
      const tally = new Tally();
      const property = fc.asyncProperty(inputs, async (input) => {
        const verdicts = [await check(input)].flat();
        for (const verdict of verdicts) tally.count(verdict);
      });
      await fc.assert(property, { numRuns: scale(count / 10, count) / batch, seed });
      tally.report();
    },
    timeLimit,
  );
}

const prototypes = [Object.prototype, Array.prototype, Function.prototype, String.prototype];
const before = prototypes.map((prototype) => Reflect.ownKeys(prototype).length);

// Whatever was read in this file: no object inherits more than before.
afterAll(() => {
  expect(prototypes.map((prototype) => Reflect.ownKeys(prototype).length)).toEqual(before);
});
