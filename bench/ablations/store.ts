import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { DeviceInput, Registry } from "../../src/core/registry.ts";
import { Folder, openSqlite } from "../peers/store/open.ts";
import { expectRows } from "../peers/store/operations.ts";
import { children, families, fill, profileId } from "../peers/store/work.ts";
import type { Context, Runner } from "../types.ts";

const columns = `id, parent, scope, owner, name, description, delivery, requests, items, options, created_at, updated_at,
  revision`;
const overrides = `SELECT ${columns} FROM profile_version WHERE parent = ? AND revision > ? ORDER BY revision LIMIT`;
const itemsOf = "SELECT p.id, p.items FROM json_each(?) j CROSS JOIN profile p ON p.id = j.value";

const bases = 1_000;

/** A file as the registry makes it, its registry still open, and a connection of our own. */
interface Stage {
  readonly registry: Registry;
  readonly database: DatabaseSync;
  prepare(sql: string): StatementSync;
}

type Operate = (index: number) => unknown;

const parentOf = (index: number): string => profileId(index % families);

/** With a part and without it, by `<ablation>/<side>`. */
const sides: Readonly<Record<string, (stage: Stage) => Operate>> = {
  "prepared-once/on": ({ prepare }) => asked(prepare(`${overrides} ? + 0`)),
  "prepared-once/bare limit": ({ prepare }) => asked(prepare(`${overrides} ?`)),
  "prepared-once/off": ({ prepare }) => {
    return (index) => asked(prepare(`${overrides} ? + 0`))(index);
  },
  "index/on": ({ prepare }) => asked(prepare(`${overrides} ? + 0`)),
  "index/off": ({ database, prepare }) => {
    dropIndexes(database, "profile_version");
    return asked(prepare(`${overrides} ? + 0`));
  },
  "one-statement/on": ({ prepare }) => {
    const statement = prepare(itemsOf);
    return (index) => expectRows(statement.all(JSON.stringify(hundred(index))).length, 100);
  },
  "one-statement/off": ({ prepare }) => {
    const statement = prepare("SELECT id, items FROM profile WHERE id = ?");
    return (index) => expectRows(hundred(index).flatMap((id) => statement.all(id)).length, 100);
  },
  "counters/on": ({ prepare }) => {
    const statement = prepare("SELECT profiles, fleet_overrides, group_overrides, device_overrides, items FROM fleet");
    return () => expectRows(Number((statement.get() as unknown as number[])[0]), bases);
  },
  "counters/off": ({ prepare }) => {
    const statement = prepare(`SELECT sum(parent IS NULL), sum(parent IS NOT NULL AND scope = 0), sum(scope = 1),
      sum(scope = 2), sum(json_array_length(items)) FROM profile`);
    return () => expectRows(Number((statement.get() as unknown as number[])[0]), bases);
  },
  "keyset/on": ({ prepare }) => {
    const statement = prepare(`SELECT ${columns} FROM profile WHERE parent IS NULL AND id > ? ORDER BY id LIMIT ? + 0`);
    return () => expectRows(statement.all(profileId(0.9 * bases - 1), 50).length, 50);
  },
  "keyset/off": ({ prepare }) => {
    const statement = prepare(
      `SELECT ${columns} FROM profile WHERE parent IS NULL ORDER BY id LIMIT ? + 0 OFFSET ? + 0`,
    );
    return () => expectRows(statement.all(50, 0.9 * bases).length, 50);
  },
};

function asked(statement: StatementSync): Operate {
  return (index) => expectRows(statement.all(parentOf(index), 0, 100).length, 2 * children);
}

const hundred = (index: number): readonly string[] =>
  Array.from({ length: 100 }, (_, i) => profileId((index % 10) * 100 + i));

function dropIndexes(database: DatabaseSync, table: string): void {
  const indexes = database.prepare(
    "SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = ? AND sql <> ''",
  );
  for (const { name } of indexes.all(table)) database.exec(`DROP INDEX ${name}`);
}

const device = (n: number): DeviceInput => ({
  id: `d${n % 50_000}`,
  address: "http://10.0.0.1",
  site: `s${n % 50}`,
  group: `g${n % 20}`,
  tags: [`t${n % 7}`],
});

/** Writes: how many share a commit, and what the indexes cost. */
const writers: Readonly<Record<string, (stage: Stage) => (ops: number) => Promise<void>>> = {
  "group-commit/on": ({ registry }) => {
    return async (ops) => {
      const puts = Array.from({ length: ops }, (_, i) => registry.devices.put([device(i)]));
      await Promise.all(puts);
    };
  },
  "group-commit/off": ({ registry }) => {
    return async (ops) => {
      for (let i = 0; i < ops; i++) await registry.devices.put([device(i)]);
    };
  },
  "index-writes/on": writeBatches,
  "index-writes/off": (stage) => {
    dropIndexes(stage.database, "device");
    return writeBatches(stage);
  },
};

/** Each round's devices are new to it or have moved, so that every index has to follow. */
function writeBatches({ registry }: Stage): (ops: number) => Promise<void> {
  let next = 0;
  return async (ops) => {
    for (let done = 0; done < ops; done += 200) {
      next += 200;
      await registry.devices.put(Array.from({ length: 200 }, (_, i) => device(next * 1_009 + i)));
    }
  };
}

export async function prepare({ parameters, root }: Context): Promise<Runner> {
  const { variant = "" } = parameters;
  const folder = new Folder();
  const path = folder.file("fleet.db");
  const registry = await openSqlite(root, path);
  await fill(registry, bases);
  const database = new DatabaseSync(path);
  database.exec("PRAGMA cache_size = -8192; PRAGMA mmap_size = 268435456");
  const prepareArrays = (sql: string): StatementSync => {
    const statement = database.prepare(sql);
    statement.setReturnArrays(true);
    return statement;
  };
  const stage = { registry, database, prepare: prepareArrays };
  const write = writers[variant]?.(stage);
  const operate = sides[variant]?.(stage);
  if (write === undefined && operate === undefined) throw new Error(`There is no ${variant}.`);
  return {
    run: async (ops) => {
      if (operate !== undefined) for (let index = 0; index < ops; index++) operate(index);
      else await write?.(ops);
      return undefined;
    },
    close: async () => {
      database.close();
      await registry[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  };
}
