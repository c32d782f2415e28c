import { type ArtifactRows, artifactColumns, type KeptArtifact } from "../kept-artifacts.ts";
import type { PageWindow } from "../page-options.ts";
import type { Fleet } from "./fleet.ts";

const artifactStatements = {
  find: `SELECT ${artifactColumns} FROM artifact WHERE digest = ?`,
  add: `INSERT INTO artifact (digest, name, version, length, hardware, file, blocks, created_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  remove: "DELETE FROM artifact WHERE digest = ? RETURNING file",
  first: `SELECT ${artifactColumns} FROM artifact ORDER BY digest LIMIT ? + 0 OFFSET ? + 0`,
  after: `SELECT ${artifactColumns} FROM artifact WHERE digest > ? ORDER BY digest LIMIT ? + 0`,
} as const;

export function createArtifactRows({ database, clock }: Fleet): ArtifactRows {
  const { find, add, remove, first, after } = artifactStatements;
  return {
    find: (digest) => database.read((on) => on.get(find, digest)),
    add: ({ digest, name, version, length, boards, file, blocks }: KeptArtifact) =>
      database.write((on) => {
        const there = on.get(find, digest);
        if (there !== undefined) return there;
        on.run(add, digest, name, version, length, boards, file, blocks, clock.wall());
        return undefined;
      }),
    async remove(digest) {
      return (await database.write((on) => on.get(remove, digest)))?.[0] as string | undefined;
    },
    page: (window: PageWindow) =>
      database.read((on) =>
        window.after === undefined
          ? on.all(first, window.limit + 1, window.offset)
          : on.all(after, window.after, window.limit + 1),
      ),
  };
}
