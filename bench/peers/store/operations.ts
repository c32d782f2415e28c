import type { Profile } from "../../../src/core/profile.ts";
import type { PageOptions, ProfileRegistry, ProfileSubject } from "../../../src/core/registry.ts";
import type { Operation } from "../../types.ts";
import { pick } from "../shared.ts";
import { chainBase, children, type Filled, families, profileId, window } from "./work.ts";

/** Does the operation for the nth time; rejects when its answer is not what was put. */
export type Operate = (index: number) => Promise<void>;

export function expectRows(found: number, wanted: number): void {
  if (found !== wanted) throw new Error(`${found} rows instead of ${wanted}.`);
}

export function expectPath(profile: Profile | undefined, path: string): void {
  const found = profile?.send?.path;
  if (found !== path) throw new Error(`Resolved to ${found} instead of ${path}.`);
}

export const subject = (profileId: string): ProfileSubject => ({ id: "d", group: "g", profileId });

const pageRows = 50;
const itemProfiles = 100;

/** Each through the port, so that it is the same for every driver. */
export async function operations(
  profiles: ProfileRegistry,
  { bases, before, edits, windows, end }: Filled,
): Promise<Partial<Record<Operation, Operate>>> {
  const pages = await pagesOf(profiles, bases);
  const lists = Array.from({ length: Math.floor(bases / itemProfiles) }, (_, list) =>
    Array.from({ length: itemProfiles }, (_, i) => profileId(list * itemProfiles + i)),
  );
  const resolve = async (id: string, path: string, at?: number): Promise<void> => {
    const found = await profiles.resolveMany([subject(id)], at === undefined ? undefined : { at });
    expectPath(found.get("d"), path);
  };
  return {
    page: async (index) => {
      const { items } = await profiles.page({ kind: "base" }, pick(pages, index));
      expectRows(items.length, pageRows);
    },
    changes: async (index) => {
      const { changes } = await profiles.changes(pick(windows, index), { limit: window });
      expectRows(changes.length, window);
    },
    headers: async (index) => {
      const found = await profiles.items(pick(lists, index), "header");
      expectRows(found.size, itemProfiles);
    },
    metrics: async () => expectRows((await profiles.metrics()).profiles, bases),
    "resolve-siblings": (index) => resolve(profileId(index % families), "/new/9"),
    "resolve-chain": (index) => resolve(chainBase(index % families), "/new/9"),
    "resolve-past": (index) => resolve(profileId(index % families), "/old/9", before),
    "overrides-none": async (index) => {
      const { changes } = await profiles.overridesSince([profileId(index % families)], end);
      expectRows(changes.length, 0);
    },
    "overrides-ten": async (index) => {
      const family = index % families;
      const { changes } = await profiles.overridesSince([profileId(family)], pick(edits, family), { limit: children });
      expectRows(changes.length, children);
    },
  };
}

/** What asks for each page of base profiles. */
async function pagesOf(profiles: ProfileRegistry, bases: number): Promise<readonly PageOptions[]> {
  const pages: PageOptions[] = [{ limit: pageRows }];
  for (let rows = pageRows; rows < bases; rows += pageRows) {
    const { next } = await profiles.page({ kind: "base" }, pages.at(-1));
    if (next === undefined) throw new Error(`A fleet of ${bases} profiles ended after ${rows}.`);
    pages.push({ limit: pageRows, after: next });
  }
  return pages;
}
