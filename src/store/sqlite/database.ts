import { DatabaseSync } from "node:sqlite";
import type { Random } from "../../core/clock.ts";
import { closed, failed } from "../failure.ts";
import { type BusyPolicy, whileBusy } from "./busy.ts";
import { Connection } from "./connection.ts";
import { storeFailure } from "./failure.ts";
import { GroupCommit, type TransactionHooks } from "./group-commit.ts";
import { sameFile } from "./same-file.ts";
import { checkFile, checkSqliteVersion, migrate, type Schema } from "./schema.ts";
import { applySettings, readSetting } from "./settings.ts";
import { Turn } from "./turn.ts";

export interface DatabaseOptions {
  readonly schema: Schema;
  /** Milliseconds to wait for another process that holds the write lock. @default 30_000 */
  readonly patience?: number;
  /** @default Math.random */
  readonly random?: Random;
}

/** How often a store did what. */
export interface DatabaseStatistics {
  readonly statements: number;
  readonly commits: number;
  /** Waits for another process's lock. */
  readonly busyWaits: number;
}

/**
 * One file: a connection that writes and one that reads, so that no read ever sees an unfinished write. Both live in
 * this thread, where a small query costs less than the way to a worker.
 */
export class Database {
  /** The file's path, as it was given. */
  readonly place: string;
  readonly writer: Connection;
  readonly reader: Connection;
  readonly #busy: BusyPolicy;
  readonly #waits: { count: number };
  readonly #turn = new Turn();
  readonly #stillThere: () => void;
  #commits: GroupCommit | undefined;
  #closed: Promise<void> | undefined;

  private constructor(
    place: string,
    writer: Connection,
    reader: Connection,
    busy: BusyPolicy,
    waits: { count: number },
    stillThere: () => void,
  ) {
    this.place = place;
    this.writer = writer;
    this.reader = reader;
    this.#busy = busy;
    this.#waits = waits;
    this.#stillThere = stillThere;
  }

  /**
   * Opens a file, or makes it; brings its schema up to date.
   * @throws `registry_failed` when it is another program's, damaged at its head or in its schema, newer than this code, not writable, or when its
   * folder is missing; nothing was written to it then
   */
  static async open(path: string, options: DatabaseOptions): Promise<Database> {
    const { schema, patience = 30_000, random = Math.random } = options;
    checkSqliteVersion(process.versions["sqlite"]);
    const waits = { count: 0 };
    const onBusy = () => {
      waits.count += 1;
    };
    const busy = { patience, random, onBusy };
    try {
      const writer = await whileBusy(busy, () => openWriter(path, schema));
      const stillThere = sameFile(path);
      try {
        const reader = await whileBusy(busy, () => openReader(path));
        return new Database(path, new Connection(writer), new Connection(reader), busy, waits, stillThere);
      } catch (error) {
        writer.close();
        throw error;
      }
    } catch (error) {
      throw storeFailure(error, path);
    }
  }

  /** To be called once, before the first write. */
  begin(hooks: TransactionHooks): void {
    this.#commits = new GroupCommit(this.writer, hooks, this.#busy, this.#stillThere);
  }

  /** Runs statements on the reading connection, all in one go, on one state of the database. */
  async read<T>(work: (on: Connection) => T): Promise<T> {
    // Again and again: whoever waited beside us may have used this turn up as well.
    for (let turn = this.#turn.over(); turn !== undefined; turn = this.#turn.over()) await turn;
    try {
      return await whileBusy(this.#busy, () => this.#snapshot(work));
    } catch (error) {
      throw storeFailure(error, this.place);
    }
  }

  /** Runs statements in a transaction; resolves once it is on the disk. */
  async write<T>(work: (on: Connection) => T): Promise<T> {
    if (this.#closed !== undefined) throw closed(this.place);
    if (this.#commits === undefined) throw new Error("begin comes before the first write");
    try {
      return await this.#commits.write(() => work(this.writer));
    } catch (error) {
      throw storeFailure(error, this.place);
    }
  }

  statistics(): DatabaseStatistics {
    return {
      statements: this.writer.executed + this.reader.executed,
      commits: this.#commits?.commits ?? 0,
      busyWaits: this.#waits.count,
    };
  }

  /** Waits for what is being written, then closes. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  #snapshot<T>(work: (on: Connection) => T): T {
    const { reader } = this;
    reader.run("BEGIN");
    try {
      return work(reader);
    } finally {
      if (reader.database.isTransaction) reader.run("COMMIT");
    }
  }

  async #close(): Promise<void> {
    await this.#commits?.settled();
    this.reader.database.close();
    this.writer.database.close();
  }
}

function openWriter(path: string, schema: Schema): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: 0, enableForeignKeyConstraints: true });
  try {
    checkFile(database, schema, path);
    const mode = readSetting(database, "journal_mode = WAL");
    if (mode !== "wal")
      throw failed("the database cannot keep a write-ahead log here; use a local disk", { place: path });
    applySettings(database);
    migrate(database, schema, path);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function openReader(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    applySettings(database);
    database.exec("PRAGMA query_only = 1");
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}
