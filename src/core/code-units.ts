/** The order of JavaScript's own `<`: by code unit. */
export function compareCodeUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

const firstEscaped = 0xd7ff;

/**
 * A string without surrogates, in the same code-unit order as the original. UTF-16 puts surrogates before U+E000 to
 * U+FFFF, UTF-8 after them; so every unit from U+D7FF on becomes two units, both below the surrogates.
 */
export function flattenSurrogates(text: string): string {
  return text.replace(/[\uD7FF-\uFFFF]/g, (unit) => {
    return String.fromCharCode(firstEscaped, unit.charCodeAt(0) - firstEscaped + 1);
  });
}

/** The order of Unicode code points, which is also that of UTF-8 bytes: how every driver orders its keys. */
export function compareCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i += 1) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

// Where two strings first differ, a surrogate stands for a code point above all of the others.
const rank = (unit: number) => (unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit);
