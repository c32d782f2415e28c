import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import type { Registry } from "../../core/registry.ts";
import type { OpenOptions } from "../driver.suite.ts";
import { testRegistry } from "../registry.suite.ts";
import { openSqliteRegistry } from "./index.ts";

const folder = mkdtempSync(join(tmpdir(), "flashwave-sqlite-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const opened = new WeakMap<Registry, { readonly path: string; readonly options: OpenOptions }>();
let files = 0;

async function open(path: string, options: OpenOptions): Promise<Registry> {
  const registry = await openSqliteRegistry(path, options);
  opened.set(registry, { path, options });
  return registry;
}

testRegistry({
  driver: "sqlite",
  async open(options = {}) {
    files += 1;
    return open(join(folder, `${files}.db`), options);
  },
  async reopen(registry) {
    const { path = "", options = {} } = opened.get(registry) ?? {};
    await registry[Symbol.asyncDispose]();
    return open(path, options);
  },
});
