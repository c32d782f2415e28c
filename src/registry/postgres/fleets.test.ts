import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { describePostgres, type PostgresServer, startPostgres } from "../../../integration/peers/postgres.ts";
import { exact } from "../../core/versions.ts";
import { Database } from "../../store/postgres/index.ts";
import { testArtifact } from "../artifact-fixture.suite.ts";
import { accept, device, expectCode } from "../driver.suite.ts";
import { createMemoryRegistry } from "../memory/index.ts";
import { openPostgresRegistry, type PostgresRegistry, type PostgresRegistryOptions } from "./index.ts";
import { schema } from "./schema.ts";

describe("openPostgresRegistry refuses", () => {
  const url = "postgres://127.0.0.1:1/none";
  it.each([
    ["no connection string", "", {}],
    ["another kind of it", "mysql://127.0.0.1/x", {}],
    ["no pool", {}, {}],
    ["an option it does not know", url, { timeout: 1 }],
    ["a fleet without a name", url, { fleet: "" }],
    ["a fleet's name with a NUL", url, { fleet: "a\0" }],
    ["options that are none", url, null],
    ["a folder's name with a NUL", url, { artifacts: "a\0" }],
    ["a folder without a name", url, { artifacts: "" }],
    ["a patience that is none", url, { patience: 0 }],
    ["a make that is none", url, { make: "no" }],
  ])("%s", async (_, to, options) => {
    await expectCode(openPostgresRegistry(to as string, options as PostgresRegistryOptions), "invalid_option");
  });
});

describePostgres("fleets of one database", () => {
  const folder = mkdtempSync(join(tmpdir(), "flashwave-pg-fleets-"));
  let server: PostgresServer;
  let pool: pg.Pool;
  let fleets = 0;

  beforeAll(async () => {
    server = await startPostgres();
    pool = new pg.Pool({ connectionString: server.url(), max: 4 });
  }, 120_000);
  afterAll(async () => {
    await pool.end();
    await server[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  function newFleet(): string {
    fleets += 1;
    return `fleet ${fleets}`;
  }
  const open = (fleet: string, options: PostgresRegistryOptions = {}): Promise<PostgresRegistry> =>
    openPostgresRegistry(pool, { fleet, ...options });

  it("hold to the version scheme that each was made with", async () => {
    const fleet = newFleet();
    await (await open(fleet))[Symbol.asyncDispose]();
    await expectCode(open(fleet, { versions: exact }), "invalid_option");
    await (await open(newFleet(), { versions: exact }))[Symbol.asyncDispose]();
  });

  it("are not made where none is to be, and are opened all the same where there is one", async () => {
    const fleet = newFleet();
    await expectCode(open(fleet, { make: false }), "invalid_option");
    await expectCode(open(fleet, { make: false }), "invalid_option");
    await (await open(fleet))[Symbol.asyncDispose]();
    await (await open(fleet, { make: false }))[Symbol.asyncDispose]();
  });

  it("leave nothing behind in a database that holds none, where none is to be made", async () => {
    await pool.query("CREATE DATABASE wrong");
    const wrong = new pg.Pool({ connectionString: server.url("wrong"), max: 1 });
    const relations = async () =>
      (
        await wrong.query(`SELECT nspname AS name FROM pg_namespace WHERE nspname !~ '^pg_|^information_schema$'
        UNION ALL SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace('flashwave')`)
      ).rows;
    await expectCode(openPostgresRegistry(wrong, { make: false }), "invalid_option");
    expect(await relations()).toEqual([{ name: "public" }]);
    await (await openPostgresRegistry(wrong))[Symbol.asyncDispose]();
    await (await openPostgresRegistry(wrong, { make: false }))[Symbol.asyncDispose]();
    expect((await relations()).length).toBeGreaterThan(10);
    await wrong.end();
  });

  it("are made once by any number of starters", async () => {
    const fleet = newFleet();
    const registries = await Promise.all(Array.from({ length: 6 }, () => open(fleet)));
    await Promise.all(registries.map((registry, i) => accept(registry.devices, device(`d${i}`))));
    for (const registry of registries) expect((await registry.devices.page()).items).toHaveLength(6);
  });

  it("know that a cursor is from beyond their end, where an older state of theirs was put back", async () => {
    const fleet = newFleet();
    const registry = await open(fleet);
    await accept(registry.devices, device("a"));
    await accept(registry.profiles, { id: "p", name: "P" });
    const [known, profilesKnown] = [(await registry.devices.page()).feed, (await registry.profiles.page()).feed];
    const before = await pool.query("SELECT * FROM flashwave.fleet WHERE name = $1", [fleet]);
    await accept(registry.devices, device("b"), device("c"));
    await accept(registry.profiles, { id: "q", name: "Q" });
    const [lost, profilesLost] = [(await registry.devices.page()).feed, (await registry.profiles.page()).feed];
    const { key, revision, profile_revision: profileRevision } = before.rows[0];
    await pool.query("DELETE FROM flashwave.device WHERE fleet = $1 AND revision > $2", [key, revision]);
    await pool.query("DELETE FROM flashwave.device_change WHERE fleet = $1 AND revision > $2", [key, revision]);
    await pool.query("DELETE FROM flashwave.profile WHERE fleet = $1 AND revision > $2", [key, revision]);
    await pool.query("DELETE FROM flashwave.profile_version WHERE fleet = $1 AND revision > $2", [key, revision]);
    await pool.query("UPDATE flashwave.fleet SET revision = $2, profile_revision = $3 WHERE key = $1", [
      key,
      revision,
      profileRevision,
    ]);
    for (const call of [
      () => registry.devices.changes(lost),
      () => registry.profiles.changes(profilesLost),
      () => registry.profiles.overridesSince(["p"], profilesLost),
    ]) {
      await expect(call()).rejects.toMatchObject({
        code: "invalid_cursor",
        message: expect.stringContaining("restored"),
      });
    }
    expect((await registry.profiles.changes(profilesKnown)).changes).toEqual([]);
    await accept(registry.devices, device("x"));
    expect((await registry.devices.changes(known)).changes.map(({ id }) => id)).toEqual(["x"]);
  });

  it("say how much of a large batch was written before it failed", async () => {
    const registry = await open(newFleet());
    await pool.query(`CREATE FUNCTION public.no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF NEW.id = 'no' THEN RAISE EXCEPTION 'no' USING ERRCODE = '53100'; END IF; RETURN NEW; END $$`);
    await pool.query("CREATE TRIGGER no BEFORE INSERT ON flashwave.device FOR EACH ROW EXECUTE FUNCTION public.no()");
    const rows = Array.from({ length: 1_000 }, (_, i) => device(i === 500 ? "no" : `d${i}`));
    await expect(registry.devices.put(rows)).rejects.toMatchObject({
      code: "registry_failed",
      message: expect.stringMatching(
        /nothing of this commit .*; of this batch's 1000 rows the first 400 were done before/,
      ),
    });
    await pool.query("DROP FUNCTION public.no CASCADE");
    expect((await registry.devices.getMany(rows.map(({ id }) => id))).size).toBe(400);
  });

  it("know the cursors of another from their own", async () => {
    const [one, other] = [await open(newFleet()), await open(newFleet())];
    for (const registry of [one, other]) await accept(registry.devices, device("a"), device("b"));
    const { next = "", feed } = await one.devices.page({}, { limit: 1 });
    await expectCode(other.devices.page({}, { after: next }), "invalid_cursor");
    await expectCode(other.devices.changes(feed), "invalid_cursor");
    await expectCode(one.profiles.changes(feed), "invalid_cursor");
    expect((await one.devices.page({}, { after: next })).items).toHaveLength(1);
  });

  it("leave each other alone, whatever is called the same in both", async () => {
    const [one, other] = await Promise.all(
      ["one", "other"].map((own) => open(newFleet(), { artifacts: join(folder, own) })),
    );
    if (one === undefined || other === undefined) throw new Error("two fleets");
    const place = { group: "g", profileId: "p" };
    const subject = { id: "a", ...place };
    const fill = async ({ devices, profiles, reports, artifacts }: PostgresRegistry, tags: readonly string[]) => {
      await accept(profiles, { id: "p", name: "P", requests: { send: { path: "/p" } } });
      await accept(profiles, { id: "g", name: "G", parent: "p", scope: "group", group: "g" });
      await accept(devices, device("a", { tags, ...place, profile: { health: false } }), device("b", place));
      await accept(profiles, { id: "d", name: "D", parent: "p", scope: "device", device: "b" });
      await devices.observe([{ id: "a", seenAt: 1, firmware: "1.0.0" }]);
      expect(await reports.append([{ id: "r", device: "a", kind: "log" }])).toMatchObject([{ result: "appended" }]);
      return (await artifacts.put(testArtifact("one"))).digest;
    };
    const digest = await fill(other, ["t"]);
    const start = { devices: (await other.devices.page()).feed, profiles: (await other.profiles.page()).feed };
    const dump = async ({ devices, profiles, reports, artifacts }: PostgresRegistry) => [
      ...[(await devices.page()).items, (await devices.page({ tags: ["t", "u"] })).items],
      (await devices.page({ tags: ["t"] })).items,
      ...[await devices.getMany(["a", "b"]), await devices.changes(start.devices)],
      ...[(await profiles.page()).items, await profiles.metrics(), await profiles.changes(start.profiles)],
      ...[await profiles.getMany(["p", "g", "d"]), await profiles.items(["p", "g"], "header")],
      ...[await profiles.resolveMany([subject]), await profiles.resolveMany([subject], { at: 1_000 })],
      ...[(await reports.page()).items, (await artifacts.list()).items],
    ];
    const before = await dump(other);
    expect(before[1]).toEqual([]);
    expect(await fill(one, ["t", "u"])).toBe(digest);
    // The other's device of that name lacks the second tag.
    expect(await dump(other)).toEqual(before);
    await accept(one.devices, device("a", { tags: ["v"] }), device("b", { ...place, tags: ["t"] }));
    await one.devices.observe([{ id: "a", seenAt: 9, firmware: "9.0.0", status: "offline" }]);
    await accept(one.profiles, { id: "p", name: "P again" });
    await accept(one.profiles, { id: "g", name: "G again", parent: "p", scope: "group", group: "g" });
    expect(await dump(other)).toEqual(before);
    expect(await one.reports.removeBefore(Number.MAX_SAFE_INTEGER)).toBe(1);
    expect(await one.devices.remove(["a", "b"])).toBe(2);
    expect(await one.profiles.remove(["p"])).toEqual({ removed: 2, inUse: [] });
    expect(await one.artifacts.remove(digest)).toBe(true);
    expect(await dump(other)).toEqual(before);
  });

  it("read profiles of their own, although others' have the same revisions", async () => {
    const names = [newFleet(), newFleet()];
    for (const fleet of names) {
      await using registry = await open(fleet);
      await accept(registry.profiles, { id: fleet, name: "P" });
    }
    for (const fleet of names) {
      await using registry = await open(fleet);
      expect((await registry.profiles.page()).items).toMatchObject([{ id: fleet }]);
      expect([...(await registry.profiles.getMany(names)).keys()]).toEqual([fleet]);
    }
  });

  it("take for nobody's what no row can hold", async () => {
    await using registry = await open(newFleet());
    const { devices, profiles, reports } = registry;
    await accept(devices, device("a", { tags: ["t"], site: "s" }));
    for (const bad of ["a\0", "\0", "\uD800", "a\uDC00"]) {
      expect((await devices.getMany([bad, "a"])).size).toBe(1);
      expect(await devices.remove([bad])).toBe(0);
      expect(await devices.observe([{ id: bad, seenAt: 1 }])).toEqual({ unknown: [bad], invalid: [] });
      for (const filter of [{ site: bad }, { tags: [bad] }, { ids: [bad] }, { text: bad }, { profileId: bad }]) {
        expect((await devices.page(filter)).items).toEqual([]);
      }
      for (const filter of [{ parent: bad }, { group: bad }, { ids: [bad] }]) {
        expect((await profiles.page(filter)).items).toEqual([]);
      }
      expect(await profiles.remove([bad])).toEqual({ removed: 0, inUse: [] });
      expect((await profiles.resolveMany([{ id: bad, group: bad, profileId: bad }])).size).toBe(0);
      expect((await reports.page({ device: bad })).items).toEqual([]);
      expect(await devices.put([device(bad)])).toMatchObject([{ result: "invalid_device" }]);
    }
  });

  it("see what others changed at once", async () => {
    const fleet = newFleet();
    const [one, other] = [await open(fleet), await open(fleet)];
    const resolved = async () =>
      (await other.profiles.resolveMany([{ id: "d", group: "g", profileId: "p" }])).get("d")?.send?.path;
    const put = (id: string, more: object) => accept(one.profiles, { id, name: id, ...more });
    expect(await resolved()).toBeUndefined();
    await put("p", { requests: { send: { path: "/base" } } });
    expect(await resolved()).toBe("/base");
    await put("o", { parent: "p", scope: "group", group: "g", requests: { send: { path: "/group" } } });
    expect(await resolved()).toBe("/group");
    await one.profiles.remove(["o"]);
    expect(await resolved()).toBe("/base");
    const puts = Array.from({ length: 20 }, (_, i) =>
      (i % 2 === 0 ? one : other).profiles.put([{ id: `x${i}`, name: "X" }]),
    );
    const revisions = (await Promise.all(puts)).flat().map((result) => "revision" in result && result.revision);
    expect(new Set(revisions).size).toBe(20);
    expect(await one.profiles.metrics()).toMatchObject({ profiles: 21, overrides: { fleet: 0, group: 0, device: 0 } });
  });

  it("remove a profile's overrides leaves first, a revision for each, and count what is left", async () => {
    await using registry = await open(newFleet());
    const { devices, profiles } = registry;
    const item = (name: string) => ({ purpose: "send", kind: "header", name, value: "1" }) as const;
    await accept(devices, device("d"));
    await accept(
      profiles,
      ...["p", "q"].map((id) => ({ id, name: id, items: [item("a")] })),
      ...["o", "stays"].map((id) => ({ id, name: id, parent: id === "o" ? "p" : "q", items: [item("a"), item("b")] })),
      ...["z", "b"].map(
        (id) => ({ id, name: id, parent: "o", scope: "group", group: id, items: [item("c")] }) as const,
      ),
      { id: "e", name: "e", parent: "z", scope: "device", device: "d" },
    );
    const { feed } = await profiles.page();
    const { revision } = await profiles.metrics();
    expect(await profiles.remove(["b", "p"])).toEqual({ removed: 5, inUse: [] });
    const { changes } = await profiles.changes(feed);
    expect(changes.map((change) => [change.id, change.revision - revision])).toEqual(
      ["b", "e", "z", "o", "p"].map((id, i) => [id, i + 1]),
    );
    expect(await profiles.metrics()).toEqual({
      ...{ profiles: 1, overrides: { fleet: 1, group: 0, device: 0 }, items: 3, revision: revision + 5 },
    });
  });

  it("of a database that was made with other functions are written by these", async () => {
    await pool.query("CREATE DATABASE older");
    const [tables = ""] = schema.migrations;
    const others = `
      CREATE FUNCTION flashwave.count_profile(f int4) RETURNS void LANGUAGE sql AS '';
      CREATE FUNCTION flashwave.drop_profiles(f int4, ids text[], newest int8) RETURNS int8 LANGUAGE sql AS 'SELECT 0';
      CREATE FUNCTION flashwave.remove_profiles(f int4, ids text[]) RETURNS TABLE (removed int4, in_use bool)
        LANGUAGE sql AS 'SELECT 0, true';`;
    const older = { ...schema, migrations: [`${tables}${others}`] };
    await (await Database.open(server.url("older"), { schema: older })).close();
    await using registry = await openPostgresRegistry(server.url("older"));
    await accept(registry.profiles, { id: "p", name: "P" }, { id: "o", name: "O", parent: "p" });
    expect(await registry.profiles.remove(["p"])).toEqual({ removed: 2, inUse: [] });
    const functions = async (of: pg.Pool) =>
      (
        await of.query(`SELECT p.oid::regprocedure::text AS name FROM pg_proc p
          WHERE pronamespace = 'flashwave'::regnamespace ORDER BY 1`)
      ).rows;
    const there = new pg.Pool({ connectionString: server.url("older"), max: 1 });
    expect(await functions(there)).toEqual(await functions(pool)); // nothing of the others stays
    await there.end();
  });

  it("keep an inline profile once for like devices, and let it go with the last of them", async () => {
    const fleet = newFleet();
    await using registry = await open(fleet);
    const kept = async () =>
      (
        await pool.query(
          "SELECT count(*)::int4 AS n FROM flashwave.inline_profile WHERE fleet = (SELECT key FROM flashwave.fleet WHERE name = $1)",
          [fleet],
        )
      ).rows[0]?.n as number;
    const own = (id: string, to: string) => device(id, { profile: { send: { path: to } } });
    await accept(registry.devices, own("a", "/x"), own("b", "/x"), own("c", "/y"));
    expect(await kept()).toBe(2);
    const found = await registry.devices.getMany(["a", "b"]);
    expect(found.get("a")?.profile).toBe(found.get("b")?.profile);
    await accept(registry.devices, device("a"), own("c", "/x"));
    expect(await kept()).toBe(1);
    await registry.devices.remove(["b", "c"]);
    expect(await kept()).toBe(0);
  });

  it("forget old changes in the end, and say so instead of losing them", async () => {
    const fleet = newFleet();
    await using registry = await open(fleet);
    const { feed } = await registry.devices.page();
    await accept(registry.devices, device("old"));
    await pool.query("UPDATE flashwave.fleet SET revision = 1009990 WHERE name = $1", [fleet]);
    expect((await registry.devices.changes(feed)).changes).toHaveLength(1);
    const later = (await registry.devices.page()).feed;
    await accept(registry.devices, ...Array.from({ length: 20 }, (_, i) => device(`d${i}`)));
    await expectCode(registry.devices.changes(feed), "invalid_cursor");
    expect((await registry.devices.changes(later)).changes).toHaveLength(20);
  });

  describe("artifacts", () => {
    it("are kept in the folder that was given, and swept with their rows", async () => {
      const artifacts = join(folder, "kept");
      await using registry = await open(newFleet(), { artifacts });
      const { digest } = await registry.artifacts.put(testArtifact("one"));
      expect(readdirSync(artifacts)).toHaveLength(1);
      await registry.artifacts.remove(digest);
      expect(readdirSync(artifacts)).toEqual([]);
    });

    it("are kept by the caller's own store, which stays open", async () => {
      await using memory = createMemoryRegistry();
      const registry = await open(newFleet(), { artifacts: memory.artifacts });
      const { digest } = await registry.artifacts.put(testArtifact("one"));
      await registry[Symbol.asyncDispose]();
      await expectCode(registry.artifacts.open(digest), "registry_failed");
      expect((await memory.artifacts.list()).items).toMatchObject([{ digest }]);
    });

    it("are refused where nobody said where", async () => {
      await using registry = await open(newFleet());
      await expectCode(registry.artifacts.put(testArtifact("one")), "invalid_option");
      await expectCode(registry.artifacts.list(), "invalid_option");
    });
  });

  it("are as they were after a failure, the pool usable", async () => {
    const own = new pg.Pool({ connectionString: server.url(), max: 2, application_name: "to be ended" });
    own.on("error", () => {});
    await using registry = await openPostgresRegistry(own, { fleet: newFleet() });
    await accept(registry.devices, device("a"));
    const end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'to be ended'";
    const results = await Promise.allSettled([
      ...Array.from({ length: 30 }, (_, i) => registry.devices.put([device(`d${i}`), device(`e${i}`)])),
      pool.query(end),
    ]);
    for (const result of results) {
      if (result.status === "rejected")
        expect(result.reason).toMatchObject({ code: "registry_failed", retryable: true });
    }
    const ids = (await registry.devices.page({}, { limit: 1_000 })).items.map(({ id }) => id);
    for (const [i, result] of results.slice(0, 30).entries()) {
      expect(ids.includes(`d${i}`)).toBe(ids.includes(`e${i}`)); // each put whole or not at all
      if (result.status === "fulfilled") expect(ids).toContain(`d${i}`);
    }
    await accept(registry.devices, device("after"));
    await own.end();
  });
});
