export type { Connection, Parameter, Row } from "./connection.ts";
export { Database, type DatabaseOptions, type DatabaseStatistics } from "./database.ts";
export type { TransactionHooks } from "./group-commit.ts";
export { checkSqliteVersion, type Schema } from "./schema.ts";
export { readSetting, settings } from "./settings.ts";
