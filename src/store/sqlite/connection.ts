import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from "node:sqlite";

/** A row as a list of its columns: cheaper to read than an object with names. */
export type Row = readonly SQLOutputValue[];
export type Parameter = SQLInputValue;

/** Statements kept ready. Those that are made of a filter have as many texts as there are shapes of filters. */
const kept = 256;

/**
 * One connection, whose statements are prepared once.
 *
 * A limit must be bound as `LIMIT ? + 0`: SQLite looks at the value of a bare `LIMIT ?` when it plans, and prepares the
 * statement again whenever it is bound: more than half the time of a small read (see the ablation `prepared-once`).
 */
export class Connection {
  readonly database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  /** Statements run so far. */
  executed = 0;

  constructor(database: DatabaseSync) {
    this.database = database;
  }

  all(sql: string, ...parameters: readonly Parameter[]): readonly Row[] {
    return this.#statement(sql).all(...parameters) as unknown as readonly Row[];
  }

  get(sql: string, ...parameters: readonly Parameter[]): Row | undefined {
    return this.#statement(sql).get(...parameters) as unknown as Row | undefined;
  }

  /** @returns how many rows it changed */
  run(sql: string, ...parameters: readonly Parameter[]): number {
    return Number(this.#statement(sql).run(...parameters).changes);
  }

  #statement(sql: string): StatementSync {
    this.executed += 1;
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.database.prepare(sql);
    statement.setReturnArrays(true);
    if (this.#statements.size >= kept) this.#statements.delete(this.#statements.keys().next().value ?? "");
    this.#statements.set(sql, statement);
    return statement;
  }
}
