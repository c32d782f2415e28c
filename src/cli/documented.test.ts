import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import {
  type DeviceServer,
  startAxis,
  startDeviceServer,
  startEsphome,
  startRedfishDevice,
  startShellyGen2,
  startSwupdate,
  writeFirmware,
} from "../../mocks/index.ts";
import { hasty, Rig, run } from "./run.suite.ts";

/* Every command line that a page shows is run as it stands there, but for what is of another network: its addresses lead
   to simulated devices of its kind, and its firmware file is made. `…` is what the page left out. */

const root = join(import.meta.dirname, "../..");
const pages = [
  "README.md",
  "SECURITY.md",
  "CHANGELOG.md",
  // Its lines build on each other: documented-trust.test.ts runs them in their order.
  ...readdirSync(join(root, "docs")).flatMap((page) => (page === "trust.md" ? [] : `docs/${page}`)),
];

/** A line of a block of code, or code within a sentence, which may be broken. */
const lines = pages.flatMap((page) =>
  [...readFileSync(join(root, page), "utf8").matchAll(/^(?:npx )?(flashwave [^`\n]+)$|`(?:npx )?(flashwave [^`]+)`/gm)]
    .map(([, block = "", inline = ""]) => (block || inline).replace(/\s+/g, " "))
    // A fleet's are run in their order, by fleet.test.ts of commands/.
    .filter((line) => /^flashwave (?:push|update|verify|inspect|demo) /.test(line) && !line.includes("--store"))
    .map((line) => [page, line] as const),
);

type Peer = Pick<DeviceServer, "url" | typeof Symbol.asyncDispose>;
const peers: Readonly<Record<string, () => Promise<Peer>>> = {
  http: () => startDeviceServer(),
  axis: () => startAxis(),
  esphome: () => startEsphome(),
  redfish: () => startRedfishDevice(),
  "shelly-gen2": () => startShellyGen2(),
  swupdate: () => startSwupdate({ paths: { version: "/version.json" } }),
};

const wordAfter = (words: readonly string[], flag: string): string | undefined =>
  words.includes(flag) ? words[words.indexOf(flag) + 1] : undefined;

it("finds the lines that the pages show", () => {
  const kinds = lines.map(([, line]) => wordAfter(line.split(" "), "--via") ?? "http");
  expect(new Set(kinds)).toEqual(new Set(Object.keys(peers)));
});

it.each(lines)("%s: %s", { timeout: 30_000 }, async (_, line) => {
  await using rig = new Rig();
  await using stack = new AsyncDisposableStack();
  const [, command = "", ...shown] = line.match(/"[^"]*"|\S+/g)?.map((word) => word.replaceAll('"', "")) ?? [];
  const start = peers[wordAfter(shown, "--via") ?? "http"];
  const left = shown.at(-1) === "…" ? shown.slice(0, -1) : shown;
  const usual = left === shown ? [] : ["--firmware-version", "2.0.0", "--to", "http://10.0.0.1"];
  const rest = usual.filter((_, at) => !left.includes(usual[at - (at % 2)] ?? ""));
  const version = wordAfter([...left, ...rest], "--firmware-version") ?? "";
  const args: string[] = [];
  for (const word of [...left, ...rest]) {
    if (/^https?:\/\/10\./.test(word) && start !== undefined) args.push(stack.use(await start()).url);
    else if (/\.(?:bin|swu|tar|zip)$/.test(word)) {
      args.push((await writeFirmware(join(await rig.directory(), word), { version, length: 300_000 })).path);
    } else args.push(wordAfter(left, "--serve-host") === word ? "127.0.0.1" : word);
  }
  const ended = await run([command, ...args, ...(command === "update" ? hasty : [])]);
  expect(ended).toMatchObject({ code: 0 });
  if (command === "update") expect(ended.out).toMatch(new RegExp(`updated +runs ${version.replaceAll(".", "\\.")},`));
});
