import type { Parameter } from "../../store/sqlite/index.ts";

/** One condition of a filter in SQL, with its parameters. */
export interface Condition {
  readonly sql: string;
  readonly parameters: readonly Parameter[];
}

/**
 * A list as the one parameter that `json_each` takes. Half of a surrogate pair stays one, which no row has; bound as
 * text it would become U+FFFD, which a row may have.
 */
export const list = (values: readonly unknown[]): string => JSON.stringify(values);
