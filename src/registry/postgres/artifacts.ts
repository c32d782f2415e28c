import type { Artifact, ArtifactRef } from "../../core/artifact.ts";
import type { ArtifactStore } from "../../core/artifact-store.ts";
import type { CallOptions, Listing, PageOptions } from "../../core/page.ts";
import type { Row } from "../../store/postgres/index.ts";
import { invalidOption } from "../failures.ts";
import { type ArtifactRows, artifactColumns, type KeptArtifact } from "../kept-artifacts.ts";
import { type PageWindow, pageOptions } from "../page-options.ts";
import type { Fleet } from "./fleet.ts";
import { durably } from "./function-parts.ts";

const artifactStatements = {
  find: `SELECT ${artifactColumns} FROM flashwave.artifact WHERE fleet = $1 AND digest = $2`,
  add: `INSERT INTO flashwave.artifact (fleet, digest, name, version, length, hardware, file, blocks, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (fleet, digest) DO NOTHING RETURNING 1, ${durably}`,
  remove: `DELETE FROM flashwave.artifact WHERE fleet = $1 AND digest = $2 RETURNING file, ${durably}`,
  page: `SELECT ${artifactColumns} FROM flashwave.artifact WHERE fleet = $1 AND digest > $2 ORDER BY digest LIMIT $3 OFFSET $4`,
} as const;

/** The rows of artifacts whose bytes are in a folder. */
export function createArtifactRows({ key, database, clock }: Fleet): ArtifactRows {
  const { find, add, remove, page } = artifactStatements;
  const findOne = async (digest: string) => (await database.all(find, key, digest))[0];
  const write = async (
    sql: string,
    ...parameters: Parameters<typeof database.all> extends [string, ...infer P] ? P : never
  ) => {
    const rows = await database.write(
      async () => [await database.attempt((on) => on.all(sql, key, ...parameters))],
      [0],
    );
    return rows[0]?.[0] as Row | undefined;
  };
  return {
    find: findOne,
    async add({ digest, name, version, length, boards, file, blocks }: KeptArtifact) {
      for (;;) {
        const added = await write(add, digest, name, version, length, boards, file, blocks, clock.wall());
        if (added !== undefined) return undefined;
        const there = await findOne(digest);
        if (there !== undefined) return there; // else it was removed meanwhile
      }
    },
    async remove(digest) {
      return (await write(remove, digest))?.[0] as string | undefined;
    },
    page: ({ after = "", limit, offset }: PageWindow) => database.all(page, key, after, limit + 1, offset),
  };
}

/** The caller's own store, as long as the registry is open. */
export function guardArtifacts({ gate }: Pick<Fleet, "gate">, store: ArtifactStore): ArtifactStore {
  return Object.freeze({
    async put(artifact: Artifact, options?: CallOptions): Promise<ArtifactRef> {
      gate.enter(options);
      return store.put(artifact, options);
    },
    async open(digest: string, options?: CallOptions): Promise<Artifact> {
      gate.enter(options);
      return store.open(digest, options);
    },
    async remove(digest: string, options?: CallOptions): Promise<boolean> {
      gate.enter(options);
      return store.remove(digest, options);
    },
    async list(options?: PageOptions): Promise<Listing<ArtifactRef>> {
      gate.enter(options, pageOptions);
      return store.list(options);
    },
  });
}

/** Where nobody said where artifacts are to be kept. */
export const noArtifacts: ArtifactStore = Object.freeze({
  put: nowhere,
  open: nowhere,
  remove: nowhere,
  list: nowhere,
});

async function nowhere(): Promise<never> {
  throw invalidOption("artifacts must be a folder or a store of your own, given when the registry is opened");
}
