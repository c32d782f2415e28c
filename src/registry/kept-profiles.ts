import type { CallOptions, Changes, ChangesOptions, Cursor, Page, PageOptions } from "../core/page.ts";
import type { Profile } from "../core/profile.ts";
import type {
  ProfileFilter,
  ProfileInput,
  ProfileItem,
  ProfileItemKind,
  ProfileMetrics,
  ProfilePutResult,
  ProfileRegistry,
  ProfileRemoval,
  ProfileRow,
  ProfileSubject,
  ResolveOptions,
} from "../core/profile-registry.ts";
import { gather, inSlices } from "./batches.ts";
import { changesOf, itemsOf, lengthOf, sizeOf } from "./counted.ts";
import { invalidOption } from "./failures.ts";
import type { Feed, Stretch } from "./feed.ts";
import { checkKeys, checkList } from "./filter.ts";
import type { Keeper } from "./keeper.ts";
import { type FoundPage, issuer, listing } from "./page.ts";
import {
  changesOptions,
  type PageWindow,
  pageOptions,
  resolveOptions,
  resolvePage,
  resolveRevision,
} from "./page-options.ts";
import { checkSubjects, type ResolvedProfileFilter, resolveProfileFilter } from "./profile-filter.ts";
import { isItemKind } from "./profile-items.ts";

/** What a database does with profiles: each call a slice of rows, in statements of one moment or one commit. */
export interface KeptProfiles {
  many(ids: readonly string[]): Promise<readonly ProfileRow[]>;
  page(filter: ResolvedProfileFilter, window: PageWindow): Promise<FoundPage<ProfileRow>>;
  put(inputs: readonly ProfileInput[]): Promise<readonly ProfilePutResult[]>;
  /** @param ids each once; of each its whole tree goes, or nothing of it */
  remove(ids: readonly string[]): Promise<ProfileRemoval>;
  /** @param parents whose overrides alone are told, each once; all profiles where there are none */
  stretch(after: number, most: number, parents?: readonly string[]): Promise<Stretch<ProfileRow>>;
  items(
    ids: readonly string[],
    kind: ProfileItemKind,
  ): Promise<readonly (readonly [id: string, items: readonly ProfileItem[]])[]>;
  /** @param at a revision; now, where there is none */
  resolve(subjects: readonly ProfileSubject[], at: number | undefined): Promise<ReadonlyMap<string, Profile>>;
  metrics(): Promise<ProfileMetrics>;
}

/** The port before a database's profiles: options are checked, batches cut into slices, calls counted. */
export function keepProfiles({ gate, counters, cursors }: Keeper, kept: KeptProfiles, feed: Feed): ProfileRegistry {
  return Object.freeze({
    async getMany(ids: readonly string[], options?: CallOptions): Promise<ReadonlyMap<string, ProfileRow>> {
      gate.enter(options);
      checkKeys(ids, "ids");
      return counters.measure("profiles.getMany", sizeOf, () =>
        gather(ids, async (slice) => (await kept.many(slice)).map((row) => [row.id, row] as const)),
      );
    },

    async page(filter: ProfileFilter = {}, options?: PageOptions): Promise<Page<ProfileRow>> {
      gate.enter(options, pageOptions);
      const resolved = resolveProfileFilter(filter);
      const window = resolvePage(cursors, resolved.use, options);
      return counters.measure("profiles.page", itemsOf, async () => {
        const { rows, end } = await kept.page(resolved, window);
        const page = listing(rows, ({ id }) => id, window, issuer(cursors, resolved.use));
        return { ...page, feed: feed.cursor(end) };
      });
    },

    async put(rows: readonly ProfileInput[], options?: CallOptions): Promise<readonly ProfilePutResult[]> {
      gate.enter(options);
      checkList(rows, "rows");
      return counters.measure("profiles.put", lengthOf, () => inSlices(rows, kept.put));
    },

    async remove(ids: readonly string[], options?: CallOptions): Promise<ProfileRemoval> {
      gate.enter(options);
      checkKeys(ids, "ids");
      return counters.measure(
        "profiles.remove",
        ({ removed }) => removed,
        async () => {
          const parts = await inSlices([...new Set(ids)], async (slice) => [await kept.remove(slice)]);
          const removed = parts.reduce((sum, part) => sum + part.removed, 0);
          return { removed, inUse: parts.flatMap((part) => part.inUse) };
        },
      );
    },

    async changes(after: Cursor, options?: ChangesOptions): Promise<Changes<ProfileRow>> {
      gate.enter(options, changesOptions);
      return counters.measure("profiles.changes", changesOf, () => feed.read(after, options, kept.stretch));
    },

    async overridesSince(
      parents: readonly string[],
      after: Cursor,
      options?: ChangesOptions,
    ): Promise<Changes<ProfileRow>> {
      gate.enter(options, changesOptions);
      checkKeys(parents, "parents");
      const wanted = [...new Set(parents)];
      return counters.measure("profiles.overridesSince", changesOf, () =>
        feed.read(after, options, (from, most) => kept.stretch(from, most, wanted)),
      );
    },

    async items(
      ids: readonly string[],
      kind: ProfileItemKind,
      options?: CallOptions,
    ): Promise<ReadonlyMap<string, readonly ProfileItem[]>> {
      gate.enter(options);
      checkKeys(ids, "ids");
      if (!isItemKind(kind)) throw invalidOption("kind must be header, query, form or check");
      return counters.measure("profiles.items", sizeOf, () => gather(ids, (slice) => kept.items(slice, kind)));
    },

    async resolveMany(
      subjects: readonly ProfileSubject[],
      options?: ResolveOptions,
    ): Promise<ReadonlyMap<string, Profile>> {
      gate.enter(options, resolveOptions);
      checkSubjects(subjects);
      const at = resolveRevision(options);
      return counters.measure("profiles.resolveMany", sizeOf, () =>
        gather(subjects, async (slice) => [...(await kept.resolve(slice, at))]),
      );
    },

    async metrics(options?: CallOptions): Promise<ProfileMetrics> {
      gate.enter(options);
      return counters.measure(
        "profiles.metrics",
        () => 1,
        () => kept.metrics(),
      );
    },
  });
}
