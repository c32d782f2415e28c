import { randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Artifact, ArtifactRef } from "../../core/artifact.ts";
import type { ArtifactStore } from "../../core/artifact-store.ts";
import type { CallOptions, Listing, PageOptions } from "../../core/page.ts";
import type { Connection, Row } from "../../store/sqlite/index.ts";
import { checkSameMeaning, readReference, unknownArtifact } from "../artifact-bytes.ts";
import { keepFile, sweepFiles } from "../artifact-files.ts";
import { freezeAll } from "../json.ts";
import { issuer, listing } from "../page.ts";
import { resolvePage } from "../page-options.ts";
import { findStored, openStored } from "../stored-payload.ts";
import type { Fleet } from "./fleet.ts";

const columns = "digest, name, version, length, hardware";

const artifactStatements = {
  find: `SELECT ${columns} FROM artifact WHERE digest = ?`,
  open: `SELECT ${columns}, file, blocks FROM artifact WHERE digest = ?`,
  add: `INSERT INTO artifact (digest, name, version, length, hardware, file, blocks, created_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  remove: "DELETE FROM artifact WHERE digest = ? RETURNING file",
  isKept: "SELECT 1 FROM artifact WHERE digest = ? AND file = ?",
  first: `SELECT ${columns} FROM artifact ORDER BY digest LIMIT ? + 0 OFFSET ? + 0`,
  after: `SELECT ${columns} FROM artifact WHERE digest > ? ORDER BY digest LIMIT ? + 0`,
} as const;

const use = "page artifacts";

/**
 * @param folder where the bytes are; made by the first put. A file's name is its digest and a number of its own: whoever
 * removes an artifact can never take away the file of one that was put again meanwhile.
 */
export function createArtifacts(fleet: Fleet, folder: string): ArtifactStore {
  const { database, counters } = fleet;
  const known = (on: Connection, ref: ArtifactRef): ArtifactRef | undefined => {
    const row = on.get(artifactStatements.find, ref.digest);
    if (row === undefined) return undefined;
    const there = readRow(row);
    checkSameMeaning(there, ref);
    return there;
  };
  return Object.freeze({
    async put(artifact: Artifact, options?: CallOptions): Promise<ArtifactRef> {
      fleet.gate.enter(options);
      const ref = readReference(artifact);
      return counters.measure("artifacts.put", one, async () => {
        const before = await database.read((on) => known(on, ref));
        if (before !== undefined) return before;
        const file = `${ref.digest}.${randomBytes(8).toString("hex")}`;
        let adopted = false;
        try {
          const blocks = await keepFile(join(folder, file), artifact, ref, () => fleet.gate.enter(options));
          fleet.gate.enter(options);
          return await database.write((on) => {
            const meanwhile = known(on, ref); // two puts of the same bytes may overlap
            if (meanwhile !== undefined) return meanwhile;
            const { digest, name, version, length, hardware } = ref;
            const boards = hardware === undefined ? null : JSON.stringify(hardware);
            on.run(artifactStatements.add, digest, name, version, length, boards, file, blocks, fleet.clock.wall());
            adopted = true;
            return ref;
          });
        } catch (error) {
          adopted = false;
          throw error;
        } finally {
          if (!adopted) await rm(join(folder, file), { force: true });
        }
      });
    },

    async open(digest: string, options?: CallOptions): Promise<Artifact> {
      fleet.gate.enter(options);
      return counters.measure("artifacts.open", one, async () => {
        const row = await database.read((on) =>
          typeof digest === "string" ? on.get(artifactStatements.open, digest) : undefined,
        );
        if (row === undefined) throw unknownArtifact();
        const ref = readRow(row);
        const [file, blocks] = row.slice(5) as unknown as readonly [string, Uint8Array];
        return openStored(ref, await findStored(join(folder, file), ref.length, blocks));
      });
    },

    async remove(digest: string, options?: CallOptions): Promise<boolean> {
      fleet.gate.enter(options);
      return counters.measure("artifacts.remove", Number, async () => {
        const removed = await database.write((on) => on.get(artifactStatements.remove, digest));
        if (removed !== undefined) await rm(join(folder, removed[0] as string), { force: true });
        return removed !== undefined;
      });
    },

    async list(options?: PageOptions): Promise<Listing<ArtifactRef>> {
      fleet.gate.enter(options);
      const window = resolvePage(fleet.cursors, use, options);
      return counters.measure(
        "artifacts.list",
        ({ items }) => items.length,
        () =>
          database.read((on) => {
            const { after, limit, offset } = window;
            const rows =
              after === undefined
                ? on.all(artifactStatements.first, limit + 1, offset)
                : on.all(artifactStatements.after, after, limit + 1);
            return listing(rows.map(readRow), (ref) => ref.digest, window, issuer(fleet.cursors, use));
          }),
      );
    },
  });
}

const one = () => 1;

/** Removes files that a crash left behind. */
export async function sweepArtifacts({ database, clock }: Fleet, folder: string): Promise<void> {
  const isKept = (name: string) =>
    database.read((on) => on.get(artifactStatements.isKept, name.slice(0, 64), name) !== undefined);
  await sweepFiles(folder, isKept, clock.wall());
}

function readRow(row: Row): ArtifactRef {
  const [digest, name, version, length, hardware] = row as unknown as readonly [
    string,
    string,
    string,
    number,
    string | null,
  ];
  const boards = hardware === null ? {} : { hardware: freezeAll(JSON.parse(hardware) as readonly string[]) };
  return Object.freeze({ name, version, length, digest, ...boards });
}
