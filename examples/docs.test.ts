// What a page of docs/ quotes of a file stands in that file, to the letter.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

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

it.each([...page.matchAll(/`((?:src|examples)\/[\w./-]+)`/g)].map(([, path = ""]) => path))("%s is there", (path) => {
  expect(() => readFileSync(join(root, path))).not.toThrow(/ENOENT/);
});
