export type { Connection, Parameter, Row } from "./connection.ts";
export { Counters, type OperationCounters, type OperationRecord } from "./counters.ts";
export { Database, type DatabaseOptions, type DatabaseStatistics } from "./database.ts";
export { failed, storeFailure } from "./failure.ts";
export type { TransactionHooks } from "./group-commit.ts";
export { checkSqliteVersion, type Schema } from "./schema.ts";
export { readSetting, settings } from "./settings.ts";
