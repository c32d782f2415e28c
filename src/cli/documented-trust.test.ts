import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { programPath } from "../../integration/peers/peer.ts";
import { writeFirmware } from "../../mocks/index.ts";
import { hasty, Rig, runHere } from "./run.suite.ts";

/* The lines of docs/trust.md, run in their order: each works with what those before it wrote. */

const page = readFileSync(join(import.meta.dirname, "../../docs/trust.md"), "utf8");
const lines = [...page.matchAll(/^```sh\n(.*?)```/gms)].flatMap(([, block = ""]) => block.trim().split("\n"));

it("docs/trust.md's command lines work", { timeout: 60_000 }, async () => {
  await using rig = new Rig();
  const folder = await rig.directory();
  const file = (name: string) => join(folder, name);
  for (const version of ["2.3.0", "2.4.0"])
    await writeFirmware(file(`pos-${version}.bin`), { version, length: 100_000 });
  const flashwave = async (line: string, url = "") => {
    const words = line.split(" ").map((word) => word.replaceAll('"', ""));
    const args = words.slice(1).map((word, at) => {
      if (words[at] === "keygen" || /\.(?:bin|json|key|pub)$/.test(word)) return file(word);
      return word.replace(/http:\/\/10\.[\d.]+/, url);
    });
    return runHere(args[0] === "update" ? [...args, ...hasty] : args);
  };
  // What the page takes to be there: another owner's key, and the release before.
  await flashwave("flashwave artifact keygen boss");
  let prepared = false;
  const seen: string[] = [];
  for (const line of lines) {
    if (line.startsWith("openssl")) {
      if (programPath("openssl") === undefined) continue;
      const { stdout } = await promisify(execFile)("sh", ["-c", line], { cwd: folder });
      expect(stdout).toContain("Verified Successfully");
      continue;
    }
    if (line.includes("2.3.0") && !prepared) {
      const older = "--firmware-version 2.3.0 --sequence 11 --expires 90d";
      await flashwave(`flashwave artifact sign pos-2.3.0.bin --key release.key ${older}`);
      prepared = true;
    }
    const device = await rig.device({ version: line.includes("2.3.0") ? "2.4.0" : "2.3.0" });
    expect([line, await flashwave(line, device.url)]).toMatchObject([line, { code: 0 }]);
    if (line.includes(" update ")) expect(device.device.received).toMatchObject([{ complete: true }]);
    seen.push(line.split(" ").slice(1, 3).join(" "));
  }
  expect(new Set(seen.map((words) => words.replace(/^update.*/, "update")))).toEqual(
    new Set(["artifact keygen", "artifact sign", "artifact verify", "artifact approve", "update"]),
  );
});
