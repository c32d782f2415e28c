import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, describe, expect, it } from "vitest";
import { checkSqliteVersion, Database, type Schema } from "./index.ts";
import { migrate } from "./schema.ts";

const folder = mkdtempSync(join(tmpdir(), "flashwave-schema-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const first = "CREATE TABLE a (n INTEGER) STRICT; INSERT INTO a VALUES (1)";
const second = "ALTER TABLE a ADD COLUMN text TEXT; INSERT INTO a VALUES (2, 'b')";
const old: Schema = { applicationId: 42, migrations: [first] };
const current: Schema = { applicationId: 42, migrations: [first, second] };

const path = (name: string) => join(folder, name);
const failure = (file: string, words: string) => ({
  code: "registry_failed",
  message: expect.stringContaining(`${JSON.stringify(file)}: ${words}`),
});

async function rows(name: string, schema: Schema): Promise<readonly (readonly unknown[])[]> {
  const database = await Database.open(path(name), { schema });
  const found = await database.read((on) => on.all("SELECT * FROM a ORDER BY n"));
  await database.close();
  return found;
}

describe("migrations", () => {
  it("fill an empty file, and do each step once", async () => {
    expect(await rows("new", old)).toEqual([[1]]);
    expect(await rows("new", old)).toEqual([[1]]);
    expect(await rows("new", current)).toEqual([[1, null], [2, "b"]]); // biome-ignore format: a table
    expect(await rows("new", current)).toHaveLength(2);
  });

  it("are done once by any number of starters", async () => {
    const starters = await Promise.all(Array.from({ length: 12 }, () => rows("starters", current)));
    for (const found of starters) expect(found).toHaveLength(2);
  });

  it("leave a file as it was when a step fails", async () => {
    await rows("halfway", old);
    const broken: Schema = { ...old, migrations: [first, "CREATE TABLE b (n INTEGER); CREATE TABLE a (n INTEGER)"] };
    await expect(Database.open(path("halfway"), { schema: broken })).rejects.toMatchObject({ code: "registry_failed" });
    expect(await rows("halfway", current)).toHaveLength(2);
    using file = new DatabaseSync(path("halfway"));
    expect(file.prepare("SELECT name FROM sqlite_schema").all()).toEqual([{ name: "a" }]);
  });
});

describe("a file that is not ours to write", () => {
  const unchanged = async (name: string, words: string) => {
    const before = readFileSync(path(name));
    await expect(Database.open(path(name), { schema: old })).rejects.toMatchObject(failure(path(name), words));
    expect(readFileSync(path(name)).equals(before)).toBe(true);
  };

  it("has a newer schema", async () => {
    await rows("newer", current);
    await unchanged("newer", "the database has schema version 2, this Flashwave knows 1");
  });

  it("belongs to another program", async () => {
    const file = new DatabaseSync(path("foreign"));
    file.exec("CREATE TABLE theirs (n INTEGER)");
    file.close();
    await unchanged("foreign", "the file is a database of another program");
    const marked = new DatabaseSync(path("marked"));
    marked.exec("PRAGMA application_id = 7");
    marked.close();
    await unchanged("marked", "the file is a database of another program");
  });

  it("is no database", async () => {
    writeFileSync(path("text"), "id,address\npos-001,http://10.0.0.1\n".repeat(100));
    await unchanged("text", "the file is not an SQLite database");
  });

  it("is damaged", async () => {
    await rows("damaged", old);
    copyFileSync(path("damaged"), path("sound"));
    const bytes = readFileSync(path("damaged"));
    bytes.fill(0xaa, 100, 4_096); // the schema's page, behind the header
    writeFileSync(path("damaged"), bytes);
    await unchanged("damaged", "the database is damaged");
  });

  it("is a folder, or in one that is missing", async () => {
    const options = { schema: old };
    for (const file of [folder, path("no/file")]) {
      const words =
        "the database cannot be opened: its folder must exist, and file and folder must be accessible and writable";
      await expect(Database.open(file, options)).rejects.toMatchObject(failure(file, words));
    }
  });
});

it("is looked at again under the write lock: what another starter made of it meanwhile stays", () => {
  for (const [words, meanwhile] of [
    ["the file is a database of another program", "CREATE TABLE theirs (n INTEGER)"],
    ["the database has schema version 2", `${first}; PRAGMA application_id = 42; PRAGMA user_version = 2`],
  ] as const) {
    using file = new DatabaseSync(":memory:");
    file.exec(meanwhile);
    const tables = () => file.prepare("SELECT name FROM sqlite_schema").all();
    const before = tables();
    expect(() => migrate(file, old, "memory")).toThrow(`"memory": ${words}`);
    expect([tables(), file.isTransaction]).toEqual([before, false]);
  }
});

describe("SQLite's version", () => {
  it.each(["3.49.1", "3.49.2", "3.50.0", "3.53.4", "4.0.0"])("%s will do", (version) => {
    expect(() => checkSqliteVersion(version)).not.toThrow();
  });

  it.each(["3.49.0", "3.48.9", "3.9.0", "2.99.99", "", "nonsense", undefined])("%s will not", (version) => {
    expect(() => checkSqliteVersion(version)).toThrow(/3\.49\.1 or newer/);
  });
});
