import type { PageWindow } from "../page-options.ts";
import type { ResolvedProfileFilter } from "../profile-filter.ts";
import { isScope, scopeRank } from "../profile-input.ts";
import { type Condition, list } from "./page.ts";

const condition = (sql: string, ...parameters: Condition["parameters"]): Condition => ({ sql, parameters });

function equals(field: ResolvedProfileFilter["equal"][number][0], value: string): Condition {
  if (!value.isWellFormed()) return condition("0");
  if (field === "scope") return condition("p.scope = ?", isScope(value) ? scopeRank(value) : -1);
  if (field === "group") return condition("p.owner = ? AND p.owner <> '' AND p.scope = 1", value);
  if (field === "device") return condition("p.owner = ? AND p.owner <> '' AND p.scope = 2", value);
  return condition(`p.${field} = ?`, value);
}

/** The statement that reads the revisions of one page of what matches, in the order of ids, and one more. */
export function profilePage(filter: ResolvedProfileFilter, window: PageWindow): Condition {
  const conditions = filter.equal.map(([field, value]) => equals(field, value));
  if (filter.kind !== undefined) conditions.push(condition(`p.parent IS ${filter.kind === "base" ? "" : "NOT "}NULL`));
  if (window.after !== undefined) conditions.push(condition("p.id > ?", window.after));
  if (filter.ids !== undefined) {
    conditions.push(condition("p.id IN (SELECT value FROM json_each(?))", list(filter.ids)));
  }
  const where = conditions.length === 0 ? "" : `WHERE ${conditions.map(({ sql }) => sql).join(" AND ")}`;
  return condition(
    `SELECT p.revision FROM profile p ${where} ORDER BY p.id LIMIT ? + 0 OFFSET ? + 0`,
    ...conditions.flatMap(({ parameters }) => parameters),
    window.limit + 1,
    window.offset,
  );
}
