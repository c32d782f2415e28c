import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, expect, it } from "vitest";
import type { Profile } from "../../core/profile.ts";
import { Database } from "../../store/sqlite/index.ts";
import { Sharing } from "../sharing.ts";
import { openSqliteRegistry } from "./index.ts";
import { Resolver } from "./resolver.ts";
import { schema } from "./schema.ts";

const folder = mkdtempSync(join(tmpdir(), "flashwave-resolver-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("remembers nothing of before a great many changes", async () => {
  const path = join(folder, "many.db");
  await using one = await openSqliteRegistry(path);
  await using other = await openSqliteRegistry(path);
  const put = (to: string) => one.profiles.put([{ id: "p", name: "P", requests: { send: { path: to } } }]);
  const resolved = async () => (await other.profiles.resolveMany([{ id: "d", profileId: "p" }])).get("d")?.send?.path;
  await put("/old");
  expect(await resolved()).toBe("/old");
  await put("/new");
  await one.profiles.put(Array.from({ length: 1_001 }, (_, i) => ({ id: `q${i}`, name: "Q" })));
  expect(await resolved()).toBe("/new");
});

it.each([undefined, 2])("fails for an override that cannot be read, again and again (as of %s)", async (at) => {
  const path = join(folder, `unreadable-${at}.db`);
  await using registry = await openSqliteRegistry(path);
  const [device, send] = [{ id: "d", group: "g", profileId: "p" }, (to: string) => ({ send: { path: to } })];
  await registry.profiles.put([
    { id: "p", name: "P", requests: send("/base") },
    { id: "o", name: "O", parent: "p", scope: "group", group: "g", requests: send("/group") },
    { id: "q", name: "Q" },
  ]);
  using file = new DatabaseSync(path);
  const deep = `${'{"a":'.repeat(10_000)}0${"}".repeat(10_000)}`;
  const spoilt = [
    ...['{"send":', '"CANARY"', "null", "[]", deep].map((text) => ({ requests: text, items: "[]" })),
    ...["{}", "[1]", '[{"purpose":"send"}]', '[["send","header","a",7]]'].map((text) => ({
      requests: "{}",
      items: text,
    })),
  ];
  for (const { requests, items } of spoilt) {
    for (const table of ["profile", "profile_version"]) {
      file.prepare(`UPDATE ${table} SET requests = ?, items = ? WHERE id = 'o'`).run(requests, items);
    }
    // Remembered as if it were not there, the second time the base would be taken for the group's.
    for (const _ of [1, 2]) {
      await expect(registry.profiles.resolveMany([device], at === undefined ? {} : { at })).rejects.toMatchObject({
        code: "registry_failed",
        message: expect.stringMatching(/^a row of the database holds what was never put there/),
      });
    }
  }
});

it.each([undefined, 2])("does not take what it could not read for what is not there (as of %s)", async (at) => {
  const path = join(folder, `${at}.db`);
  await using registry = await openSqliteRegistry(path);
  const base = { id: "p", name: "P", requests: { send: { path: "/base" } } };
  const group = { id: "o", name: "O", parent: "p", scope: "group", group: "g" } as const;
  await registry.profiles.put([base, { ...group, requests: { send: { path: "/group" } } }, { id: "q", name: "Q" }]);
  const database = await Database.open(path, { schema });
  const resolver = new Resolver(new Sharing<Profile>());
  let failures = 1;
  const resolve = () =>
    database.read((on) => {
      const all = on.all.bind(on);
      on.all = (sql, ...parameters) => {
        if (failures === 0) return all(sql, ...parameters);
        failures -= 1;
        throw new Error("the disk failed");
      };
      return resolver.resolve(on, [{ id: "d", group: "g", profileId: "p" }], at).get("d");
    });
  await expect(resolve()).rejects.toThrow("the disk failed");
  expect(await resolve()).toEqual({ send: { path: "/group" } });
  await database.close();
});

it("resolves as of a revision as quickly however often the base was edited", async () => {
  await using registry = await openSqliteRegistry(join(folder, "edited.db"));
  const { profiles } = registry;
  const edit = (id: string, count: number) =>
    profiles.put(
      Array.from({ length: count }, (_, i) => ({ id, name: "P", requests: { send: { path: `/${id}/${i}` } } })),
    );
  await edit("often", 5_000);
  await profiles.put([{ id: "o", name: "O", parent: "often", requests: { send: { method: "PATCH" } } }]);
  await edit("once", 1);
  const { revision } = await profiles.metrics();
  await profiles.put([
    { id: "o", name: "O", parent: "often" },
    { id: "q", name: "Q" },
  ]);
  const median = async (profileId: string) => {
    const durations: number[] = [];
    for (let i = 0; i < 60; i += 1) {
      const start = performance.now(); // two revisions in turn: only one is remembered
      const found = await profiles.resolveMany([{ id: "d", group: "g", profileId }], { at: revision + (i % 2) });
      durations.push(performance.now() - start);
      expect(found.get("d")?.send?.path).toBe(profileId === "once" ? "/once/0" : "/often/4999");
    }
    return durations.sort((a, b) => a - b)[30] as number;
  };
  const [once, often] = [await median("once"), await median("often")];
  expect(often / once).toBeLessThan(4);
});
