import { DatabaseSync, type SQLOutputValue } from "node:sqlite";
import type { Context, Operation, Runner } from "../../types.ts";
import { pumpPromises } from "../shared.ts";
import { Folder } from "./open.ts";
import { expectRows } from "./operations.ts";
import { chainBase, children, families, profileId, window } from "./work.ts";

// The same fleet without what this project does about speed: no index, each statement prepared when it is asked, a
// statement per row and another for its headers. Same engine, same settings, same rows.

const schema = `
PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -8192; PRAGMA mmap_size = 268435456;
CREATE TABLE profile (id TEXT, parent TEXT, name TEXT, description TEXT, delivery TEXT, scope INTEGER, send_method TEXT,
  send_path TEXT, inspect_path TEXT, inspect_pointer TEXT, health_path TEXT, options TEXT, created_at INTEGER,
  updated_at INTEGER, revision INTEGER);
CREATE TABLE version (id TEXT, parent TEXT, send_path TEXT, revision INTEGER);
CREATE TABLE header (profile TEXT, ord INTEGER, name TEXT, value TEXT, enabled INTEGER);
`;

type Row = Readonly<Record<string, SQLOutputValue>>;

class Naive {
  readonly #database: DatabaseSync;
  readonly #bases: number;
  #revision = 0;
  #before = 0;
  readonly #edits: number[] = [];
  readonly #windows: number[] = [];

  constructor(path: string, bases: number) {
    this.#database = new DatabaseSync(path);
    this.#database.exec(schema);
    this.#bases = bases;
    this.#fill();
  }

  #fill(): void {
    const ids = Array.from({ length: this.#bases }, (_, n) => profileId(n));
    this.#database.exec("BEGIN");
    for (const [n, id] of ids.entries()) this.#add(id, null, n, `/update/${n}`);
    this.#overrides((id, parent, family, c) => this.#add(id, parent, family, `/old/${c}`));
    this.#before = this.#revision;
    // The work is to read without an index, not to be filled without one.
    this.#database.exec("CREATE INDEX filling ON profile (id)");
    this.#overrides((id, parent, family, c) => {
      if (c === 0 && !id.includes("-c")) this.#edits[family] = this.#revision;
      this.#edit(id, parent, `/new/${c}`);
    });
    for (let at = 0; at + window <= this.#bases; at += window) this.#windows.push(this.#revision + at);
    this.#database.exec("DROP INDEX filling");
    this.#database.exec(`UPDATE profile SET revision = rowid + ${this.#revision} WHERE parent IS NULL`);
    this.#revision += this.#bases;
    this.#database.exec("COMMIT");
  }

  #overrides(visit: (id: string, parent: string, family: number, c: number) => void): void {
    for (let family = 0; family < families; family++) {
      const [base, root] = [profileId(family), chainBase(family)];
      for (let c = 0; c < children; c++) visit(`${base}-s${c}`, base, family, c);
      for (let c = 0; c < children; c++) visit(`${root}-c${c}`, c === 0 ? root : `${root}-c${c - 1}`, family, c);
    }
  }

  #add(id: string, parent: string | null, n: number, path: string): void {
    this.#revision += 1;
    this.#database
      .prepare("INSERT INTO profile VALUES (?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
      .run(
        id,
        parent,
        `Profile ${n}`,
        `How terminals of model ${n} are spoken to`,
        "http",
        "POST",
        path,
        "/version",
        "/version",
        "/health",
        "{}",
        this.#revision,
        this.#revision,
        this.#revision,
      );
    this.#note(id, parent, path);
    const insert = this.#database.prepare("INSERT INTO header VALUES (?, ?, ?, ?, 1)");
    for (let ord = 0; ord < 5; ord++) insert.run(id, ord, `x-header-${ord}`, `value ${ord} of ${n}`);
  }

  #edit(id: string, parent: string, path: string): void {
    this.#revision += 1;
    this.#database.prepare("UPDATE profile SET send_path = ?, revision = ? WHERE id = ?").run(path, this.#revision, id);
    this.#note(id, parent, path);
  }

  #note(id: string, parent: string | null, path: string): void {
    this.#database.prepare("INSERT INTO version VALUES (?, ?, ?, ?)").run(id, parent, path, this.#revision);
  }

  #ask(sql: string, ...parameters: readonly (string | number)[]): readonly Row[] {
    return this.#database.prepare(sql).all(...parameters);
  }

  /** Rows by their ids, a statement for each and one for its headers. */
  #whole(ids: readonly Row[]): readonly Row[] {
    return ids.map(({ id }) => {
      const [row = {}] = this.#ask("SELECT * FROM profile WHERE id = ?", id as string);
      this.#headers(id as string);
      return row;
    });
  }

  #headers(id: string): readonly Row[] {
    return this.#ask("SELECT * FROM header WHERE profile = ? ORDER BY ord", id);
  }

  page(index: number): void {
    const offset = (index * 50) % this.#bases;
    const ids = this.#ask("SELECT id FROM profile WHERE parent IS NULL ORDER BY id LIMIT 50 OFFSET ?", offset);
    expectRows(this.#whole(ids).length, 50);
  }

  changes(index: number): void {
    const after = this.#windows[index % this.#windows.length] ?? 0;
    const ids = this.#ask("SELECT id FROM profile WHERE revision > ? ORDER BY revision LIMIT 60", after);
    expectRows(this.#whole(ids).length, window);
  }

  headers(index: number): void {
    const start = (index % Math.floor(this.#bases / 100)) * 100;
    let found = 0;
    for (let i = 0; i < 100; i++) found += this.#headers(profileId(start + i)).length;
    expectRows(found, 500);
  }

  metrics(): void {
    const [all] = this.#ask("SELECT count(*) AS n FROM profile WHERE parent IS NULL");
    for (const scope of [0, 1, 2]) {
      this.#ask("SELECT count(*) AS n FROM profile WHERE parent IS NOT NULL AND scope = ?", scope);
    }
    this.#ask("SELECT count(*) AS n FROM header");
    this.#ask("SELECT max(revision) AS n FROM profile");
    expectRows(Number(all?.["n"]), this.#bases);
  }

  /** Level by level, a statement for the overrides of each profile. */
  resolve(root: string): void {
    const layers: Row[] = [...this.#whole([{ id: root }])];
    for (let level = [root]; level.length > 0; ) {
      const found = level.flatMap((parent) =>
        this.#ask("SELECT id FROM profile WHERE parent = ? ORDER BY revision", parent),
      );
      layers.push(...this.#whole(found));
      level = found.map(({ id }) => id as string);
    }
    expectRows(layers.length, children + 1);
    this.#expectPath(layers, "/new/9");
  }

  past(root: string): void {
    const overrides = this.#ask("SELECT DISTINCT id FROM version WHERE parent = ?", root);
    const layers = [{ id: root }, ...overrides].flatMap(({ id }) =>
      this.#ask(
        "SELECT * FROM version WHERE id = ? AND revision <= ? ORDER BY revision DESC LIMIT 1",
        id as string,
        this.#before,
      ),
    );
    this.#expectPath(layers, "/old/9");
  }

  #expectPath(layers: readonly Row[], path: string): void {
    const laid: Record<string, SQLOutputValue> = {};
    for (const layer of layers) {
      for (const [name, value] of Object.entries(layer)) if (value !== null) laid[name] = value;
    }
    if (laid["send_path"] !== path) throw new Error(`Resolved to ${laid["send_path"]} instead of ${path}.`);
  }

  overrides(family: number, rows: number): void {
    const after = rows === 0 ? this.#revision : (this.#edits[family] ?? 0);
    const sql = "SELECT id FROM profile WHERE parent = ? AND revision > ? ORDER BY revision";
    expectRows(this.#whole(this.#ask(sql, profileId(family), after)).length, rows);
  }

  close(): void {
    this.#database.close();
  }
}

function operationOf(naive: Naive, operation: Operation): (index: number) => void {
  const known: Partial<Record<Operation, (index: number) => void>> = {
    page: (index) => naive.page(index),
    changes: (index) => naive.changes(index),
    headers: (index) => naive.headers(index),
    metrics: () => naive.metrics(),
    "resolve-siblings": (index) => naive.resolve(profileId(index % families)),
    "resolve-chain": (index) => naive.resolve(chainBase(index % families)),
    "resolve-past": (index) => naive.past(profileId(index % families)),
    "overrides-none": (index) => naive.overrides(index % families, 0),
    "overrides-ten": (index) => naive.overrides(index % families, children),
  };
  const found = known[operation];
  if (found === undefined) throw new Error(`There is no naive ${operation}.`);
  return found;
}

export function prepare({ parameters }: Context): Runner {
  const folder = new Folder();
  const naive = new Naive(folder.file("naive.db"), parameters.profiles ?? 1_000);
  const operate = operationOf(naive, parameters.operation ?? "page");
  operate(0);
  return {
    run: (ops) => pumpPromises(1, ops, async (index) => operate(index)),
    close: () => {
      naive.close();
      folder[Symbol.dispose]();
    },
  };
}
