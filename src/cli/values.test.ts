import { generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { http } from "../delivery/http/index.ts";
import { createClient } from "../push/index.ts";
import { clientOptionsOf } from "./client-options.ts";
import { deviceCommand } from "./flags.ts";
import { type LimitedFlag, limits } from "./limits.ts";
import { countOf, deliveryOptionsOf, durationOf, headersOf, rateOf } from "./values.ts";

describe("durations", () => {
  it.each([
    ["250ms", 250],
    ["0s", 0],
    ["1.5s", 1_500],
    ["15m", 900_000],
    ["2h", 7_200_000],
  ])("%s is %i ms", (text, ms) => expect(durationOf("--deadline", text)).toBe(ms));

  it.each(["", "5", "-1s", "1 s", "1d", "1e3s", "Infinitys", "1.2345s"])("%j is refused with an example", (text) => {
    expect(() => durationOf("--deadline", text)).toThrow(
      `--deadline takes a duration such as 500ms, 30s, 15m or 1h, not ${JSON.stringify(text)}.`,
    );
  });
});

describe("limits", () => {
  const flags = Object.keys(limits) as LimitedFlag[];
  // How many must have signed is told apart from the client's other options: with the keys.
  const ofClient = flags.filter((flag) => flag !== "--threshold");
  const help = deviceCommand("update", "").helpInformation().replace(/\s+/g, " ");

  it.each(flags)("%s says in its help what it takes", (flag) => {
    const [least, most] = limits[flag];
    expect(help).toMatch(new RegExp(`${flag} <\\w+> [^<]*\\(${least} to ${most}, default: `));
  });

  it.each(ofClient)("%s takes its least and its most, and no more, as the client does", (flag) => {
    const name = flag.slice(2).replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
    const [least, most] = limits[flag];
    const optionsOf = (text: string) => clientOptionsOf({ stableFor: "0s", deadline: "576h", [name]: text });
    const create = (text: string) => createClient(optionsOf(text), [http()]).close();
    create(least);
    create(most);
    for (const text of [most.replace(/^\d/, "9"), most.replace(/\d+/, (number) => `${Number(number) + 1}`)])
      expect(() => optionsOf(text)).toThrow(`${flag} takes `);
  });
});

describe("the threshold", () => {
  const [least, most] = limits["--threshold"];

  it("takes its least and its most, and no more", () => {
    expect([least, most].map((text) => countOf("--threshold", text))).toEqual([Number(least), Number(most)]);
    for (const text of ["0", `${Number(most) + 1}`])
      expect(() => countOf("--threshold", text)).toThrow("--threshold takes ");
  });

  it("is at most the number of keys that a client can be given", () => {
    const keys = Array.from({ length: Number(most) + 1 }, () => {
      const { publicKey } = generateKeyPairSync("ed25519");
      return publicKey.export({ type: "spki", format: "pem" });
    });
    const create = (count: number) =>
      createClient({ admission: { keys: keys.slice(0, count), threshold: count } }, [http()]);
    expect(() => create(Number(most)).close()).not.toThrow();
    expect(() => create(Number(most) + 1)).toThrow("admission");
  });
});

describe("rates", () => {
  it.each([
    ["1", 1],
    ["500K", 500_000],
    ["2m", 2_000_000],
    ["1.5G", 1_500_000_000],
  ])("%s is %i bytes/s", (text, rate) => expect(rateOf("--rate", text)).toBe(rate));

  it.each(["", "0", "0M", "-1", "2MB", "fast", "1T"])("%j is refused", (text) =>
    expect(() => rateOf("--rate", text)).toThrow("--rate takes bytes per second"),
  );
});

describe("counts", () => {
  it("takes whole numbers from 1", () => expect(countOf("--attempts", "3")).toBe(3));
  it.each(["", "0", "-1", "1.5", "1e3", "0x10", "1000000"])("%j is refused", (text) =>
    expect(() => countOf("--attempts", text)).toThrow("--attempts takes a whole number"),
  );
});

describe("options of a delivery", () => {
  it.each<[string, string | number | boolean]>([
    ["true", true],
    ["false", false],
    ["10", 10],
    ["-0.5", -0.5],
    ["1.10", "1.10"],
    ["010", "010"],
    ["1e3", "1e3"],
    ["12345678901234567890", "12345678901234567890"],
    ["True", "True"],
    ["", ""],
    ['"10"', "10"],
    ['"', '"'],
    ["a=b", "a=b"],
  ])("x=%s", (text, value) => expect(deliveryOptionsOf([`x=${text}`])).toEqual({ x: value }));

  it("says which one is wrong, and never what stands in it", () => {
    for (const entry of ["s3cret", "=s3cret"])
      expect(() => deliveryOptionsOf(["a=1", entry])).toThrow("--option number 2 is not of the form name=value.");
    expect(() => deliveryOptionsOf(["a=s3cret", "a=2"])).toThrow('--option "a" is given twice.');
  });
});

describe("headers", () => {
  it("splits at the first colon and lowers the name", () => {
    expect(headersOf(["Authorization: Bearer a:b", "x-empty:"])).toEqual({
      authorization: "Bearer a:b",
      "x-empty": "",
    });
  });

  it("says which one is wrong, and never what stands in it", () => {
    const wrong = ["no colon s3cret", ": s3cret", "two words: s3cret"];
    for (const line of wrong) {
      let message = "";
      try {
        headersOf(["x: y", line]);
      } catch (error) {
        message = String(error);
      }
      expect(message).toContain("--header number 2");
      expect(message).not.toContain("s3cret");
    }
  });

  it("refuses a name given twice, whatever its case", () =>
    expect(() => headersOf(["A: 1", "a: 2"])).toThrow('--header "a" is given twice.'));
});
