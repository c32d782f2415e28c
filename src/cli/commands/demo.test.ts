import { readdir } from "node:fs/promises";
import { expect, it } from "vitest";
import { Rig, run } from "../run.suite.ts";

it("ends by itself, as planned, tells what was proven and leaves no file behind", { timeout: 60_000 }, async () => {
  await using rig = new Rig();
  const temporary = await rig.directory();
  const { code, out } = await run(["demo"], undefined, { ...process.env, TMPDIR: temporary });
  expect(out).toMatch(/^As planned: 24 of 24 devices$/m);
  expect(out).toMatch(/^ {2}16 devices: runs 2\.0\.0, proved by digest, new boot, healthy$/m);
  expect(out).toMatch(/^ {2}(\d+) images received whole, \1 with this digest, 0 with another/m);
  expect(out).toMatch(/^ {2}(\d+) of the \1 called updated run 2\.0\.0 with this digest$/m);
  expect(out).not.toContain("contradiction");
  expect(code).toBe(0);
  expect(await readdir(temporary)).toEqual([]);
});

it("can be interrupted, names the unknown and leaves no file behind", { timeout: 60_000 }, async () => {
  await using rig = new Rig();
  const temporary = await rig.directory();
  const env = { ...process.env, TMPDIR: temporary };
  // The first device that was called updated: others have the bytes by then, and nobody knows yet what they make of them.
  const { code, out } = await run(
    ["demo"],
    (child) => {
      const onText = (text: string) => {
        if (text.includes("updated") && child.kill("SIGINT")) child.stdout?.off("data", onText);
      };
      child.stdout?.on("data", onText);
    },
    env,
  );
  expect(code).toBe(130);
  expect(out).toMatch(/^Unknown, to be read before anything is sent again: .*sim-01/m);
  expect(out).not.toContain("As planned");
  expect(await readdir(temporary)).toEqual([]);
});
