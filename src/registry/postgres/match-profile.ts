import type { PageWindow } from "../page-options.ts";
import type { ResolvedProfileFilter } from "../profile-filter.ts";
import { isScope, scopeRank } from "../profile-input.ts";
import { type Condition, condition, cut, isStorable, keys, lookedUp, nothing } from "./page.ts";

function equals(field: ResolvedProfileFilter["equal"][number][0], value: string): Condition {
  if (!isStorable(value)) return nothing;
  if (field === "scope") return condition("p.scope = ?", isScope(value) ? scopeRank(value) : -1);
  if (field === "group") return condition("p.owner = ? AND p.owner <> '' AND p.scope = 1", value);
  if (field === "device") return condition("p.owner = ? AND p.owner <> '' AND p.scope = 2", value);
  return condition(`p.${field} = ?`, value);
}

/** Reads the revisions of one page of what matches, in the order of ids, and one row more; its parameters are not numbered. */
export function profilePage(filter: ResolvedProfileFilter, window: PageWindow, fleet: number): Condition {
  const conditions = [condition("p.fleet = ?", fleet), ...filter.equal.map(([field, value]) => equals(field, value))];
  if (filter.kind !== undefined) conditions.push(condition(`p.parent IS ${filter.kind === "base" ? "" : "NOT "}NULL`));
  if (window.after !== undefined) conditions.push(condition("p.id > ?", window.after));
  if (filter.ids !== undefined) conditions.push(condition("p.id = ANY (?)", keys(filter.ids)));
  const page = cut(window);
  const read = (columns: string) =>
    condition(
      `SELECT ${columns} FROM flashwave.profile p WHERE ${conditions.map(({ sql }) => sql).join(" AND ")} ORDER BY p.id ${page.sql}`,
      ...conditions.flatMap(({ parameters }) => parameters),
      ...page.parameters,
    );
  if (window.offset === 0) return read("p.revision");
  const row = condition("SELECT p.revision FROM flashwave.profile p WHERE p.fleet = ? AND p.id = k.id", fleet);
  return lookedUp(read("p.id"), row, "k.id");
}
