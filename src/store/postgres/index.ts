export type { Parameter, PostgresClient, PostgresPool, PostgresQuery, Row } from "./client.ts";
export { Database, type DatabaseOptions, type DatabaseStatistics, type Queries } from "./database.ts";
export { connectTimeout, poolSettings } from "./pool.ts";
export type { Schema } from "./schema.ts";
