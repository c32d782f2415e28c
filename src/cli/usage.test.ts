import { afterAll, beforeAll, expect, it } from "vitest";
import type { DeviceServer } from "../../mocks/index.ts";
import { Rig, runHere } from "./run.suite.ts";

const rig = new Rig();
let device: DeviceServer;
let image: string;
beforeAll(async () => {
  device = await rig.device();
  image = await rig.image();
});
afterAll(() => rig[Symbol.asyncDispose]());

const inspect = (...more: string[]) => ["inspect", "--to", device.url, ...more];
const push = (...more: string[]) => ["push", image, "--to", device.url, ...more];

it.each<[string, () => readonly string[], string]>([
  ["a missing list", () => ["inspect", "--to-file", `${image}.no`], "--to-file"],
  ["the same device twice", () => inspect(device.url), "is named twice"],
  ["an artifact taken for a device", () => ["push", "--to", device.url, image], "name it first"],
  ["an argument too many", () => push("--quiet", "other.bin"), "1 argument too many"],
  ["an argument for the demonstration", () => ["demo", "now"], "1 argument too many"],
  [
    "a bad duration",
    () => ["verify", image, "--firmware-version", "2", "--to", device.url, "--deadline", "5"],
    "--deadline takes a duration",
  ],
  [
    "a device to be seen for longer than it is looked at",
    () => ["verify", image, "--firmware-version", "2", "--to", device.url, "--deadline", "1s"],
    "--stable-for (5s) is longer than --deadline (1s)",
  ],
  ["too many attempts", () => push("--attempts", "101"), "--attempts takes a whole number from 1 to 100"],
  ["a timeout that is too long", () => inspect("--stall-timeout", "25h"), "--stall-timeout takes 1ms to 24h"],
  ["a bad path to activate", () => push("--activate-path", "now"), "--activate-path cannot be sent"],
  ["a bad pointer to the digest", () => inspect("--digest-pointer", "sha"), "--digest-pointer must be a JSON pointer"],
  ["a bad count", () => inspect("--concurrency", "0"), "--concurrency takes a whole number"],
  ["a bad path", () => push("--path", "update"), "--path cannot be sent"],
  ["a bad digest", () => push("--digest", "ab"), "--digest must be a SHA-256"],
  ["a bad pointer", () => inspect("--pointer", "version"), "--pointer must be a JSON pointer"],
  [
    "two places of the version",
    () => inspect("--text", "--pattern", "(.*)"),
    "Say in exactly one of --pointer, --text and --pattern",
  ],
  ["a bad range", () => inspect("--permit", "everything"), "--permit must"],
  ["a protocol that is none", () => inspect("--via", "gopher"), 'There is no kind "gopher" for --via; there are http'],
  [
    "a probe that is none",
    () => inspect("--probe", "constructor"),
    'There is no kind "constructor" for --probe; there are http',
  ],
  [
    "a device's own protocol that is none",
    () => ["inspect", "--to", `${device.url} via=gopher`],
    '--to: there is no kind "gopher" for via',
  ],
  ["an option that the protocol has not", () => push("--option", "chunk=5"), '--option knows no "chunk"'],
  ["an option without a value", () => push("--option", "chunk"), "name=value"],
  ["two ids", () => ["inspect", "--to", `a=${device.url}`, "--id", "b"], "two ids"],
  ["an empty version", () => push("--firmware-version", ""), "--firmware-version is what a device reports"],
  ["a version in spaces", () => push("--firmware-version", "2.0.0 "), "not empty, no space around it"],
  ["a kind that tells no version", () => inspect("--via", "swupdate"), "name another kind with --probe"],
  [
    "a kind that tells no version until it is said where",
    () => ["update", image, "--firmware-version", "2", "--to", `${device.url} via=elegant-ota`],
    "give --version-path",
  ],
  [
    "an address that no device can fetch from",
    () => push("--via", "shelly-gen2", "--serve-host", "0.0.0.0"),
    "--serve-url is needed",
  ],
  [
    "a port in use",
    () => push("--via", "shelly-gen1", "--serve-port", new URL(device.url).port),
    "choose another --serve-host or --serve-port",
  ],
  ["a word that is none", () => ["inspect", "--to", `a=${device.url} foo=bar`], '--to: unknown word "foo"'],
  ["a bad pin", () => inspect("--pin", "abc"), "A pin is"],
  ["a certificate without its key", () => inspect("--cert", image), "--cert and --key are given both or neither"],
])("%s: 2, one clear sentence, nothing sent", async (_, args, sentence) => {
  const { code, out, err } = await runHere(args());
  expect([code, out]).toEqual([2, ""]);
  expect(err).toMatch(/^flashwave: [^\n]+\n$/);
  expect(err).toContain(sentence);
  expect(device.device.requests).toEqual([]);
});

it("prints its help, and again where nothing was asked", async () => {
  const help = await runHere(["--help"]);
  expect(help).toMatchObject({ code: 0, err: "" });
  for (const word of ["update", "push", "verify", "inspect", "demo", "Exit codes"]) expect(help.out).toContain(word);
  expect((await runHere(["inspect", "--help"])).out).toMatch(/--via <kind> .*: http, .*\(default: http\)/s);
  // --to takes every word that follows it: an artifact behind the options would become a device.
  expect((await runHere(["update", "--help"])).out).toContain("Usage: flashwave update <artifact> [options]");
  expect(await runHere([])).toMatchObject({ code: 2, out: "", err: help.out });
});
