import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, describe, expect, it } from "vitest";
import { exact } from "../../core/versions.ts";
import { testArtifact } from "../artifact-fixture.suite.ts";
import { accept, device, expectCode } from "../driver.suite.ts";
import { openSqliteRegistry, type SqliteRegistryOptions } from "./index.ts";
import { schema } from "./schema.ts";

const folder = mkdtempSync(join(tmpdir(), "flashwave-fleet-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
function newPath(): string {
  files += 1;
  return join(folder, `${files}.db`);
}

async function bytesOf(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

describe("openSqliteRegistry", () => {
  it.each([
    ["no path", "", {}],
    ["memory", ":memory:", {}],
    ["a path with a NUL", "a\0.db", {}],
    ["options that are none", "x.db", null],
    ["a URI", "file:x.db?mode=memory", {}],
    ["an option it does not know", "x.db", { timeout: 1 }],
    ["a patience that is none", "x.db", { patience: -1 }],
  ])("refuses %s", async (_, path, options) => {
    await expectCode(openSqliteRegistry(path, options as SqliteRegistryOptions), "invalid_option");
  });

  it("holds to the version scheme that a file was made with", async () => {
    const path = newPath();
    await (await openSqliteRegistry(path))[Symbol.asyncDispose]();
    await expectCode(openSqliteRegistry(path, { versions: exact }), "invalid_option");
    await (await openSqliteRegistry(path))[Symbol.asyncDispose]();
  });

  it("refuses a file of another kind", async () => {
    const path = newPath();
    writeFileSync(path, "id,address\n");
    await expectCode(openSqliteRegistry(path), "registry_failed");
    expect(readFileSync(path, "utf8")).toBe("id,address\n");
  });

  it("knows the cursors of another file from its own", async () => {
    await using one = await openSqliteRegistry(newPath());
    await using other = await openSqliteRegistry(newPath());
    for (const registry of [one, other]) await accept(registry.devices, device("a"), device("b"));
    const { next = "", feed } = await one.devices.page({}, { limit: 1 });
    await expectCode(other.devices.page({}, { after: next }), "invalid_cursor");
    await expectCode(other.devices.changes(feed), "invalid_cursor");
    await expectCode(one.profiles.changes(feed), "invalid_cursor");
    expect((await one.devices.page({}, { after: next })).items).toHaveLength(1);
  });

  it("knows that a cursor is from beyond its end, where an older copy of the file was put back", async () => {
    const path = newPath();
    const first = await openSqliteRegistry(path);
    await accept(first.devices, device("a"));
    await accept(first.profiles, { id: "p", name: "P" });
    const [known, profilesKnown] = [(await first.devices.page()).feed, (await first.profiles.page()).feed];
    await first[Symbol.asyncDispose]();
    copyFileSync(path, `${path}.backup`);
    const second = await openSqliteRegistry(path);
    await accept(second.devices, device("b"), device("c"));
    const [lost, profilesLost] = [(await second.devices.page()).feed, (await second.profiles.page()).feed];
    expect((await second.profiles.changes(profilesLost)).changes).toEqual([]);
    await second[Symbol.asyncDispose]();
    copyFileSync(`${path}.backup`, path);
    await using restored = await openSqliteRegistry(path);
    for (const call of [
      () => restored.devices.changes(lost),
      () => restored.profiles.changes(profilesLost),
      () => restored.profiles.overridesSince(["p"], profilesLost),
    ]) {
      await expect(call()).rejects.toMatchObject({
        code: "invalid_cursor",
        message: expect.stringContaining("restored"),
      });
    }
    expect((await restored.profiles.changes(profilesKnown)).changes).toEqual([]);
    await accept(restored.devices, device("x"));
    expect((await restored.devices.changes(known)).changes.map(({ id }) => id)).toEqual(["x"]);
  });

  it("ends a long write that it is closed in", async () => {
    const registry = await openSqliteRegistry(newPath());
    const put = registry.devices.put(Array.from({ length: 2_000 }, (_, i) => device(`d${i}`)));
    const failed = expect(put).rejects.toMatchObject({
      code: "registry_failed",
      message: expect.stringMatching(/closed meanwhile.*of this batch's 2000 rows the first 200 were done before/),
    });
    await registry[Symbol.asyncDispose]();
    await failed;
  });

  it("says how much of a large batch was written before it failed, and of a small one that nothing was", async () => {
    const path = newPath();
    await using registry = await openSqliteRegistry(path);
    using file = new DatabaseSync(path);
    file.exec("CREATE TRIGGER no BEFORE INSERT ON device WHEN NEW.id = 'd500' BEGIN SELECT RAISE(ABORT, 'no'); END");
    const rows = Array.from({ length: 1_000 }, (_, i) => device(`d${i}`));
    await expect(registry.devices.put(rows)).rejects.toMatchObject({
      code: "registry_failed",
      message: expect.stringMatching(
        /nothing of this commit .*; of this batch's 1000 rows the first 400 were done before/,
      ),
    });
    expect((await registry.devices.getMany(rows.map(({ id }) => id))).size).toBe(400);
    await expect(registry.devices.put(rows.slice(500, 700))).rejects.toMatchObject({
      message: expect.stringMatching(/nothing of this commit was written$/),
    });
  });

  it.each([
    ["removed", (path: string) => rmSync(path)],
    ["replaced", (path: string) => copyFileSync(path, `${path}.new`) ?? renameSync(`${path}.new`, path)],
  ])("acknowledges nothing that goes to a file which was %s", async (_, away) => {
    const path = newPath();
    const registry = await openSqliteRegistry(path);
    await accept(registry.devices, device("a"));
    const [one, two] = [registry.devices.put([device("b")]), registry.devices.remove(["a"])];
    away(path);
    for (const write of await Promise.allSettled([one, two, registry.devices.put([device("c")])])) {
      expect(write).toMatchObject({
        reason: {
          code: "registry_failed",
          retryable: false,
          message: expect.stringMatching(/^".*": its file was removed/),
        },
      });
    }
    await registry[Symbol.asyncDispose]();
  });

  it("goes on writing when the process goes to another folder", async () => {
    const [from, name] = [process.cwd(), `${basename(newPath())}`];
    process.chdir(folder);
    try {
      await using registry = await openSqliteRegistry(name);
      process.chdir(from);
      await accept(registry.devices, device("a"));
    } finally {
      process.chdir(from);
    }
  });

  it("says how many reports were removed before it failed", async () => {
    const path = newPath();
    await using registry = await openSqliteRegistry(path);
    await accept(registry.devices, device("a"));
    await registry.reports.append(
      Array.from({ length: 800 }, (_, i) => ({ id: `${i}`, device: "a", kind: "log" as const })),
    );
    using file = new DatabaseSync(path);
    file.exec("CREATE TRIGGER no BEFORE DELETE ON report WHEN OLD.id = '700' BEGIN SELECT RAISE(ABORT, 'no'); END");
    await expect(registry.reports.removeBefore(Number.MAX_SAFE_INTEGER)).rejects.toMatchObject({
      code: "registry_failed",
      message: expect.stringMatching(/; 500 reports were removed before$/),
    });
  });
});

describe("a file of an older schema", () => {
  it("is brought up to date, and keeps what it holds", async () => {
    const path = newPath();
    const { applicationId, migrations } = schema;
    const old = new DatabaseSync(path);
    old.exec(`${migrations[0]}; PRAGMA application_id = ${applicationId}; PRAGMA user_version = 1`);
    old.exec("INSERT INTO device (id, address, created_at, updated_at, revision) VALUES ('a', 'http://a', 1, 1, 1)");
    old.close();
    await using registry = await openSqliteRegistry(path);
    expect([...(await registry.devices.getMany(["a"])).keys()]).toEqual(["a"]);
    expect(await registry.reports.append([{ id: "1", device: "a", kind: "log" }])).toMatchObject([
      { result: "appended" },
    ]);
  });
});

describe("two that have a file open", () => {
  it("see each other's changes at once, remembered profiles included", async () => {
    const path = newPath();
    await using one = await openSqliteRegistry(path);
    await using other = await openSqliteRegistry(path);
    const resolved = async () => {
      const found = await other.profiles.resolveMany([{ id: "d", group: "g", profileId: "p" }]);
      return found.get("d")?.send?.path;
    };
    const put = (id: string, more: object) => accept(one.profiles, { id, name: id, ...more });
    expect(await resolved()).toBeUndefined();
    await put("p", { requests: { send: { path: "/base" } } });
    expect(await resolved()).toBe("/base");
    await put("q", {});
    await put("o", { parent: "p", scope: "group", group: "g", requests: { send: { path: "/group" } } });
    expect(await resolved()).toBe("/group");
    await one.profiles.remove(["o"]);
    expect(await resolved()).toBe("/base");
    await accept(one.devices, device("d"));
    await put("own", { parent: "p", scope: "device", device: "d", requests: { send: { path: "/own" } } });
    expect(await resolved()).toBe("/own");
    const both = [one.devices.put([device("d")]), other.devices.put([device("d")])];
    const revisions = (await Promise.all(both)).flat().map((result) => "revision" in result && result.revision);
    expect(new Set(revisions).size).toBe(2);
  });
});

describe("inline profiles", () => {
  it("are kept once for like devices, and go with the last of them", async () => {
    const path = newPath();
    await using registry = await openSqliteRegistry(path);
    using file = new DatabaseSync(path, { readOnly: true });
    const kept = () => file.prepare("SELECT count(*) AS n FROM inline_profile").get()?.["n"];
    const own = (id: string, to: string) => device(id, { profile: { send: { path: to } } });
    await accept(registry.devices, own("a", "/x"), own("b", "/x"), own("c", "/y"));
    expect(kept()).toBe(2);
    const found = await registry.devices.getMany(["a", "b", "c"]);
    expect(found.get("a")?.profile).toBe(found.get("b")?.profile);
    await accept(registry.devices, device("a"), own("c", "/x"));
    expect(kept()).toBe(1);
    const { feed } = await registry.devices.page();
    await registry.devices.remove(["b", "c"]);
    expect(kept()).toBe(0);
    await accept(registry.devices, own("c", "/z"));
    expect((await registry.devices.getMany(["c"])).get("c")?.profile).toEqual({ send: { path: "/z" } });
    expect((await registry.devices.changes(feed, { limit: 1 })).changes).toMatchObject([
      { change: "deleted", id: "b" },
    ]);
  });
});

describe("the feed", () => {
  it("forgets old changes in the end, and says so instead of losing them", async () => {
    const path = newPath();
    const first = await openSqliteRegistry(path);
    const { feed } = await first.devices.page();
    await accept(first.devices, device("old"));
    await first[Symbol.asyncDispose]();
    const file = new DatabaseSync(path);
    file.exec("UPDATE fleet SET revision = 1009990");
    file.close();
    await using registry = await openSqliteRegistry(path);
    expect((await registry.devices.changes(feed)).changes).toHaveLength(1);
    const later = (await registry.devices.page()).feed;
    await accept(registry.devices, ...Array.from({ length: 20 }, (_, i) => device(`d${i}`)));
    await expectCode(registry.devices.changes(feed), "invalid_cursor");
    expect((await registry.devices.changes(later)).changes).toHaveLength(20);
  });
});

describe("artifacts' files", () => {
  const content = Buffer.alloc(600_000, "firmware");

  it("yield no byte that was changed behind the registry's back", async () => {
    const path = newPath();
    await using registry = await openSqliteRegistry(path);
    const { digest, length } = await registry.artifacts.put(testArtifact(content));
    const [name = ""] = readdirSync(`${path}.artifacts`);
    const file = join(`${path}.artifacts`, name);
    await using artifact = await registry.artifacts.open(digest);
    const read = async (start: number, end: number) =>
      bytesOf(artifact.payload.slice(start, end) as unknown as AsyncIterable<Uint8Array>);
    const changed = Buffer.from(content);
    changed[300_000] = 0;
    writeFileSync(file, changed);
    expect((await read(0, 262_144)).equals(content.subarray(0, 262_144))).toBe(true);
    await expectCode(read(0, length), "artifact_changed");
    await expectCode(artifact.payload.hash("md5"), "artifact_changed");
    writeFileSync(file, content.subarray(0, 599_999));
    await expectCode(read(599_000, 599_500), "artifact_changed");
    writeFileSync(file, content);
    expect((await read(0, length)).equals(content)).toBe(true);
    rmSync(file);
    await expectCode(read(0, 1), "artifact_unreadable");
    await expectCode(registry.artifacts.open(digest), "artifact_unreadable");
  });

  it("go with their artifact, and never with another one that was put meanwhile", async () => {
    const path = newPath();
    await using registry = await openSqliteRegistry(path);
    const names = () => readdirSync(`${path}.artifacts`);
    await Promise.all([1, 2, 3].map(() => registry.artifacts.put(testArtifact(content))));
    expect(names()).toHaveLength(1);
    const { digest } = testArtifact(content);
    for (let i = 0; i < 20; i += 1) {
      await Promise.all([registry.artifacts.remove(digest), registry.artifacts.put(testArtifact(content))]);
      await registry.artifacts.put(testArtifact(content));
      await using artifact = await registry.artifacts.open(digest);
      expect(await artifact.payload.hash("sha256")).toBe(digest);
    }
    await registry.artifacts.remove(digest);
    expect(names()).toEqual([]);
  });

  it("that a crash left behind are removed after a day; those in use and other files stay", async () => {
    const path = newPath();
    const first = await openSqliteRegistry(path);
    const { digest } = await first.artifacts.put(testArtifact(content));
    await first[Symbol.asyncDispose]();
    const [kept = ""] = readdirSync(`${path}.artifacts`);
    const names = [kept, `${"0".repeat(64)}.${"1".repeat(16)}`, `${"0".repeat(64)}.${"2".repeat(16)}`, "notes.txt"];
    const [, old = "", fresh = "", other = ""] = names;
    for (const name of [old, fresh, other]) writeFileSync(join(`${path}.artifacts`, name), "x");
    const longAgo = Date.now() / 1_000 - 90_000;
    for (const name of [kept, old, other]) utimesSync(join(`${path}.artifacts`, name), longAgo, longAgo);
    await using second = await openSqliteRegistry(path);
    expect(readdirSync(`${path}.artifacts`).sort()).toEqual([fresh, kept, other].sort());
    await (await second.artifacts.open(digest))[Symbol.asyncDispose]();
  });
});
