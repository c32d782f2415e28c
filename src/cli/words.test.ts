import { globSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { errorCodes, FlashwaveError } from "../core/index.ts";
import { http } from "../delivery/http/index.ts";
import { createTransport } from "../http/index.ts";
import { createClient } from "../push/index.ts";
import { profileWords, words } from "./vocabulary.ts";
import { errorInFlags, inFlags, type Situation, sayings } from "./words.ts";

/** Something that the rooms below refuse, and the sentence that somebody who typed flags is told. */
function told(refused: () => unknown): string {
  try {
    refused();
  } catch (error) {
    return inFlags(error instanceof Error ? error.message : "");
  }
  return "nothing was refused";
}

const client = (options: object) => () => createClient(options, [http()]);

it.each<[() => unknown, string]>([
  [client({ verification: { deadline: -1 } }), "--deadline must be"],
  [client({ verification: { stableFor: -1 } }), "--stable-for must be"],
  [client({ retry: { attempts: 0 } }), "--attempts must be"],
  [client({ retry: { quietPeriod: -1 } }), "--quiet-period must be"],
  [client({ limits: { inFlight: 0 } }), "--concurrency must be"],
  [client({ limits: { bytesPerSecond: 0 } }), "--rate must be"],
  [client({ timeouts: { connect: 0 } }), "--connect-timeout must be"],
  [client({ timeouts: { stall: 0 } }), "--stall-timeout must be"],
  [client({ timeouts: { response: 0 } }), "--response-timeout must be"],
  [client({ addressPolicy: { permit: ["x"] } }), "--permit must be"],
  [client({ tls: { ca: "x" } }), "--ca, --cert or --key is not usable PEM"],
  [() => http({ send: { path: "x" } }), "--path cannot be sent"],
  [() => http({ send: { method: "x" } }), "--method must be one of"],
  [() => http({ inspect: { pattern: "x" } }), "--pattern has no group"],
  [() => http({ inspect: { also: { bootId: "x" } } }), "--boot-pointer must be"],
  [() => http({ health: { path: "x" } }), "--health-path cannot be sent"],
  [() => http({ rollback: { path: "x" } }), "--rollback-path cannot be sent"],
  [() => http({ options: { identify: "x" } }), "--option identify must be true or false"],
  [() => createTransport().origin("http://a:b@10.0.0.1"), "leave the login out of it and give --user"],
  [() => createTransport().origin("http://127.0.0.1"), "to allow it, give --permit 127.0.0.0/8 ::1/128."],
])("%s: %s", (refused, sentence) => expect(told(refused)).toContain(sentence));

it("leaves the rest of an error as it is", () => {
  const reply = { status: 500 };
  const error = new FlashwaveError("device_error", "check the profile's pointer", {
    phase: "send",
    device: "a",
    reply,
  });
  expect(errorInFlags(error)).toMatchObject({ ...error, message: "check --pointer", reply });
});

it("shows what a device said where that is asked for, bounded, else what would show it", () => {
  const sentence = "It failed; its own words are in this error's reply.excerpt.";
  const saying = (excerpt?: string) =>
    new FlashwaveError("device_error", sentence, {
      phase: "send",
      reply: { status: 500, ...(excerpt && { excerpt }) },
    });
  expect(errorInFlags(saying("no")).message).toBe("It failed; --device-words shows its own words.");
  expect(errorInFlags(saying("no --x"), { deviceWords: true }).message).toBe(
    'It failed; its own words follow. The device said: "no --x"',
  );
  expect(errorInFlags(saying(), { deviceWords: true }).message).toBe("It failed; it said nothing more.");
  expect(errorInFlags(saying("x".repeat(2_000)), { deviceWords: true }).message.length).toBeLessThan(400);
});

it.each<[Situation, number, string]>([
  [{}, 403, "refused us; if it wants a login, give --user or a token"],
  [{ login: "user" }, 401, "refused the login given with --user; check the name and the password"],
  [{ login: "user" }, 403, "refused us despite the login given with --user; check the name and the password"],
  [{ login: "token" }, 401, "refused the token that was given; check it"],
  [{ login: "header" }, 401, "refused us despite what --header sends; check it, or give --user"],
  [{ login: "store" }, 401, "refused the login that the store names for it; look at it with flashwave device show"],
])("says of a refused login where it was given: %o, %i", (situation, status, sentence) => {
  const theirs = status === 401 && situation.login !== "header" ? sayings.login : sayings.us;
  expect(inFlags(`The device answered ${status} and ${theirs}.`, situation)).toBe(
    `The device answered ${status} and ${sentence}.`,
  );
});

it("leaves the words of a profile that a store keeps, and asks of a word that is no name whether it is an id", () => {
  const wrong = 'options knows no "chunk"';
  expect([inFlags(wrong), inFlags(wrong, { profiled: true })]).toEqual(['--option knows no "chunk"', wrong]);
  const nameless = `Its name leads to no address: ${sayings.name}.`;
  expect(inFlags(nameless)).toBe(nameless);
  expect(inFlags(nameless, { maybeId: true })).toContain("; if this is a device's id, give --store.");
});

it("speaks of an interrupted command, not of a signal that nobody gave", () =>
  expect(inFlags("The caller's signal aborted the exchange.")).toBe(
    "The command was interrupted during this exchange.",
  ));

it.each([
  ["verification.deadline (900000 ms) was over", "--deadline (15 min) was over"],
  ["it took 1500 ms", "it took 1.5 s"],
  ["it took 20000 ms", "it took 20 s"],
  ["it took 999 ms", "it took 999 ms"],
])("tells durations as they are typed: %s", (theirs, ours) => expect(inFlags(theirs)).toBe(ours));

it("speaks of codes as everybody does", () => {
  for (const meaning of Object.values(errorCodes)) expect(inFlags(meaning)).toBe(meaning);
});

it("translates sentences that are still said below", () => {
  const source = globSync("src/{core,bytes,http,delivery,push}/**/*.ts", {
    exclude: (path) => path.endsWith(".test.ts"),
  })
    .map((path) => readFileSync(path, "utf8"))
    .join("\n");
  // These begin with the name of an option or of a purpose, which is put before the rest.
  const composed = /^(?:openArtifact: |inspect must|options knows)/;
  const sentences = [...words, ...profileWords]
    .map(([theirs]) => theirs)
    .filter((theirs) => theirs.includes(" ") && !composed.test(theirs))
    .concat(Object.values(sayings));
  expect(sentences.length).toBeGreaterThan(10);
  expect(sentences.filter((theirs) => !source.includes(theirs))).toEqual([]);
});
