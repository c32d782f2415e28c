import { compareCodePoints } from "../core/code-units.ts";
import { type DeliveryOptions, type Profile, type Purpose, purposes } from "../core/profile.ts";
import type { ProfileItem, ProfileItemKind, ProfileRow } from "../core/profile-registry.ts";
import { isRecord } from "./plain.ts";
import { scopeRank } from "./profile-input.ts";
import { itemKey } from "./profile-items.ts";

/**
 * A base profile and the overrides that apply to one device, in the order in which they are laid over each other: by
 * scope, then depth, then revision, then id. No override is wider than its parent, so parents always come first.
 *
 *   base ─┬─ f (fleet) ── g (group) ── d (device)
 *         ├─ f2 (fleet)                                    base · f f2 · g2 g · d
 *         └─ g2 (group)
 *
 * @param childrenOf the direct overrides of a profile that are for the fleet, for the device's group or for itself
 */
export function selectLayers<Row extends Place>(base: Row, childrenOf: (parent: string) => readonly Row[]): Row[] {
  const byScope: Row[][] = [[base], [], []];
  for (let level = [base]; level.length > 0; ) {
    level = level.flatMap((row) => childrenOf(row.id)).sort(bySequence);
    for (const row of level) byScope[scopeRank(row.scope)]?.push(row);
  }
  return byScope.flat();
}

type Place = Pick<ProfileRow, "id" | "scope" | "revision">;

const bySequence = (a: Place, b: Place): number => a.revision - b.revision || compareCodePoints(a.id, b.id);

/** One request while layers are laid over each other. Maps keep what came first where it was. */
interface Draft {
  named: boolean;
  off: boolean;
  readonly fields: Map<string, unknown>;
  readonly items: Map<string, ProfileItem>;
}

const versionFields = ["pointer", "text", "pattern"];

/** Lays overrides over a base. Its result is frozen, with its fields in one order: equal profiles have equal JSON. */
export function resolveLayers(layers: readonly Pick<ProfileRow, "requests" | "items" | "options">[]): Profile {
  const drafts = new Map<Purpose, Draft>();
  for (const purpose of purposes)
    drafts.set(purpose, { named: false, off: false, fields: new Map(), items: new Map() });
  for (const layer of layers) {
    for (const [purpose, draft] of drafts) layRequest(draft, layer.requests[purpose]);
    for (const item of layer.items) layItem(drafts.get(item.purpose), item);
  }
  const requests = [...drafts].flatMap(([purpose, draft]) => {
    const request = finish(draft);
    return request === undefined ? [] : [[purpose, request] as const];
  });
  const laid: DeliveryOptions = Object.assign({}, ...layers.map((layer) => layer.options));
  const options = canonical(laid);
  return Object.freeze({ ...Object.fromEntries(requests), ...(isEmpty(options) ? {} : { options }) });
}

const isEmpty = (record: object): boolean => Object.keys(record).length === 0;

function layRequest(draft: Draft, request: object | false | undefined): void {
  if (request === undefined) return;
  draft.off = request === false;
  if (request === false) return;
  draft.named = true;
  const entries = Object.entries(request);
  const renames = entries.some(([name, value]) => versionFields.includes(name) && value !== false);
  if (renames) for (const name of versionFields) draft.fields.delete(name);
  for (const [name, value] of entries) {
    const inherited = draft.fields.get(name);
    draft.fields.set(name, isRecord(value) && isRecord(inherited) ? { ...inherited, ...value } : value);
  }
}

function layItem(draft: Draft | undefined, item: ProfileItem): void {
  const key = itemKey(item);
  const inherited = draft?.items.get(key);
  draft?.items.set(key, inherited === undefined ? item : { ...inherited, ...item });
}

const records: readonly (readonly [field: string, kind: ProfileItemKind])[] = [
  ["headers", "header"],
  ["query", "query"],
  ["form", "form"],
  ["checks", "check"],
];

function finish(draft: Draft): object | false | undefined {
  if (draft.off) return false;
  const items = [...draft.items.values()].filter((item) => item.enabled !== false && item.value !== undefined);
  if (!draft.named && items.length === 0) return undefined;
  const fields = [...draft.fields]
    .sort(([a], [b]) => compareCodePoints(a, b))
    .map(([name, value]) => [name, isRecord(value) ? canonical(value) : value]);
  for (const [field, kind] of records) {
    const own = items.filter((item) => item.kind === kind).map((item) => [item.name, item.value]);
    if (own.length > 0) fields.push([field, Object.freeze(Object.fromEntries(own))]);
  }
  return Object.freeze(Object.fromEntries(fields));
}

function canonical<Value>(record: Readonly<Record<string, Value>>): Readonly<Record<string, Value>> {
  return Object.freeze(Object.fromEntries(Object.entries(record).sort(([a], [b]) => compareCodePoints(a, b))));
}
