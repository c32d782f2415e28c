// What a page of docs/ quotes of a file stands in that file, to the letter; what README has one try works.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { ageOf } from "../src/core/versions.ts";
import { createClient } from "../src/index.ts";

const root = join(import.meta.dirname, "..");
const page = readFileSync(join(root, "docs/adding-a-protocol.md"), "utf8");
const quoted = [...page.matchAll(/^`([\w./-]+\.ts)`:\n\n```ts\n(.*?)```/gms)].map(
  ([, path = "", code = ""]) => [path, code] as const,
);

it("docs/adding-a-protocol.md quotes the adapter and its line", () => {
  expect(quoted.map(([path]) => path)).toEqual(["src/delivery/web-upload/esphome.ts", "src/cli/wire.ts"]);
});

it.each(quoted)("%s is quoted as it is", (path, code) => {
  expect(readFileSync(join(root, path), "utf8")).toContain(code);
});

it("no other source names the adapter but the door of its package", () => {
  const sources = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
    .map((path) => path.replaceAll("\\", "/"))
    .filter((path) => path.endsWith(".ts") && !/\.(?:test|suite)\.ts$/.test(path));
  const naming = sources.filter((path) => /esphome/i.test(readFileSync(join(root, "src", path), "utf8")));
  expect(naming.toSorted()).toEqual(["cli/wire.ts", "delivery/web-upload/esphome.ts", "delivery/web-upload/index.ts"]);
});

it.each([...page.matchAll(/`((?:src|examples)\/[\w./-]+)`/g)].map(([, path = ""]) => path))("%s is there", (path) => {
  expect(() => readFileSync(join(root, path))).not.toThrow(/ENOENT/);
});

it("docs/trust.md quotes its example", () => {
  const [, code = ""] = /^```ts\n(.*?)```/ms.exec(readFileSync(join(root, "docs/trust.md"), "utf8")) ?? [];
  const example = readFileSync(join(root, "examples/signed.ts"), "utf8");
  const lines = code.trim().split("\n");
  expect(lines).toHaveLength(2);
  for (const line of lines) expect(example).toContain(line);
});

describe("docs/trust.md's schemes of somebody's own", () => {
  const age = async (name: string, pairs: readonly (readonly [string, string])[]) => {
    const blocks = readFileSync(join(root, "docs/trust.md"), "utf8").matchAll(/^```ts\n(.*?)```/gms);
    const code = [...blocks].map(([, text = ""]) => text).find((text) => text.includes(`const ${name} = `));
    const folder = mkdtempSync(join(tmpdir(), "flashwave-trust-"));
    try {
      const door = JSON.stringify(pathToFileURL(join(root, "src/index.ts")).href);
      const path = join(folder, "scheme.ts");
      writeFileSync(path, `import { semver } from ${door};\n${code}\nexport const scheme = ${name}, used = semver;`);
      const { scheme } = await import(pathToFileURL(path).href);
      await createClient({ versions: scheme }).close();
      return pairs.map(([a, b]) => Math.sign(ageOf(scheme, a, b) ?? Number.NaN));
    } finally {
      rmSync(folder, { recursive: true });
    }
  };

  it("order numbers behind a letter, and nothing else", async () => {
    const pairs = [
      ["r7", "r12"],
      ["r12", "r7"],
      ["r7", "r7"],
      ["r7", "2.0.0"],
      ["", "r7"],
    ] as const;
    expect(await age("versions", pairs)).toEqual([-1, 1, 0, Number.NaN, Number.NaN]);
  });

  it("order Tasmota's versions, and none of another variant", async () => {
    const own = ["13.1.0(tasmota)", "13.2.0(tasmota)", "13.10.0(tasmota)"] as const;
    const pairs = [
      [own[0], own[1]],
      [own[2], own[1]],
      [own[1], own[1]],
      [own[1], "13.1.0(lite)"],
      [own[0], "13.1.0"],
    ] as const;
    expect(await age("tasmotas", pairs)).toEqual([-1, 1, 0, Number.NaN, Number.NaN]);
  });
});

it("README's code against a simulated device runs", async () => {
  const blocks = readFileSync(join(root, "README.md"), "utf8").matchAll(/^```ts\n(.*?)```/gms);
  const code = [...blocks].map(([, text = ""]) => text).find((text) => text.includes("flashwave/testing"));
  const door = (path: string) => JSON.stringify(pathToFileURL(join(root, path)).href);
  const runnable = code
    ?.replace('"flashwave"', door("src/index.ts"))
    .replace('"flashwave/testing"', door("src/testing/index.ts"));
  const folder = mkdtempSync(join(tmpdir(), "flashwave-readme-"));
  try {
    writeFileSync(join(folder, "readme.ts"), `${runnable}\nexport const status = outcome.status;`);
    expect(await import(pathToFileURL(join(folder, "readme.ts")).href)).toMatchObject({ status: "updated" });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
