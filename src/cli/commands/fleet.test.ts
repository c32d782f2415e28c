import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { startDeviceServer, writeFirmware } from "../../../mocks/index.ts";
import { call } from "../call.suite.ts";
import { hasty, run } from "../run.suite.ts";

/* The command lines of docs/fleet.md, run in their order as they stand there, but for what is of another network. */

const folder = mkdtempSync(join(tmpdir(), "flashwave-docs-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const page = readFileSync(join(import.meta.dirname, "../../../docs/fleet.md"), "utf8");
const lines = [...page.matchAll(/^flashwave (.+)$/gm)].map(([, line = ""]) => line);

it("docs/fleet.md: every line does what it says", { timeout: 60_000 }, async () => {
  const paths = { update: "/firmware", version: "/info" };
  await using device = await startDeviceServer({ id: "pos-001", paths });
  writeFileSync(join(folder, "tills.csv"), "id,address,profileId\npos-002,http://10.0.0.13,till\n");
  await writeFirmware(join(folder, "pos-2.4.0.bin"), { version: "2.4.0", length: 300_000 });
  const outs: string[] = [];
  const wordsOf = (command: string) =>
    command
      .split(" ")
      .map((word) =>
        word === "http://10.0.0.12" ? device.url : /\.(?:db|csv|bin)$/.test(word) ? join(folder, word) : word,
      );
  for (const line of lines) {
    const [command = "", reader] = line.split(" | flashwave ");
    const args = wordsOf(command);
    const more = args[0] === "update" ? [...hasty, "--permit", "127.0.0.0/8", "--quiet"] : [];
    const first = await call(...args, ...more);
    const ended = reader === undefined ? first : await run(wordsOf(reader), (child) => child.stdin?.end(first.out));
    expect([line, first.err, ended.err, ended.code]).toEqual([line, "", "", 0]);
    outs.push(ended.out);
  }
  expect(lines).toHaveLength(12);
  const [, , , , listed, piped, resolved, updated, again, old, shown, exported] = outs;
  expect(listed).toMatch(/^pos-001 .*group berlin\n$/);
  expect(piped).toBe("pos-001  updated\n");
  expect(resolved).toMatch(/\/send\/path +\/firmware +till:group:berlin/);
  expect(updated).toMatch(/^pos-001 +updated +runs 2\.4\.0/);
  expect(again).toMatch(/^pos-001 +skipped/);
  expect(old).toBe("");
  expect(shown).toMatch(/^firmware +2\.4\.0$/m);
  expect(exported?.split("\r\n")).toHaveLength(4);
});
