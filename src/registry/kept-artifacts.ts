import { randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Artifact, ArtifactRef } from "../core/artifact.ts";
import type { ArtifactStore } from "../core/artifact-store.ts";
import type { CallOptions, Listing, PageOptions } from "../core/page.ts";
import { failed } from "../store/failure.ts";
import { checkSameMeaning, readReference, unknownArtifact } from "./artifact-bytes.ts";
import { keepFile, sweepFiles } from "./artifact-files.ts";
import type { Keeper } from "./keeper.ts";
import { issuer, listing } from "./page.ts";
import { type PageWindow, pageOptions, resolvePage } from "./page-options.ts";
import { ProvenTables } from "./proven-tables.ts";
import { findStored, openStored } from "./stored-payload.ts";

/** What a database keeps of artifacts whose bytes are files: columns in the order of `artifactColumns`. */
export interface ArtifactRows {
  find(digest: string): Promise<readonly unknown[] | undefined>;
  /** Adds a row, unless there is one with this digest: then that one is returned. */
  add(row: KeptArtifact): Promise<readonly unknown[] | undefined>;
  /** Returns the name of the removed row's file. */
  remove(digest: string): Promise<string | undefined>;
  /** In the order of digests, one more than the limit when there is more. */
  page(window: PageWindow): Promise<readonly (readonly unknown[])[]>;
}

export interface KeptArtifact extends ArtifactRef {
  /** Its hardware as JSON. */
  readonly boards: string | null;
  /** The name of its file. */
  readonly file: string;
  /** The SHA-256 of each of its blocks, one after the other. */
  readonly blocks: Uint8Array;
}

export const artifactColumns = "digest, name, version, length, hardware, file, blocks";

type Columns = readonly [
  digest: string,
  name: string,
  version: string,
  length: number,
  hardware: string | null,
  file: string,
  blocks: Uint8Array,
];

const use = "page artifacts";

/**
 * @param folder where the bytes are; made by the first put. A file's name is its digest and a number of its own: whoever
 * removes an artifact can never take away the file of one that was put again meanwhile.
 */
export function keepArtifacts({ gate, counters, cursors }: Keeper, rows: ArtifactRows, folder: string): ArtifactStore {
  const proven = new ProvenTables();
  const known = (row: readonly unknown[] | undefined, ref: ArtifactRef): ArtifactRef | undefined => {
    if (row === undefined) return undefined;
    const there = readRow(row, folder);
    checkSameMeaning(there, ref);
    return there;
  };
  return Object.freeze({
    async put(artifact: Artifact, options?: CallOptions): Promise<ArtifactRef> {
      gate.enter(options);
      const ref = readReference(artifact);
      return counters.measure("artifacts.put", one, async () => {
        const before = known(await rows.find(ref.digest), ref);
        if (before !== undefined) return before;
        const file = `${ref.digest}.${randomBytes(8).toString("hex")}`;
        let adopted = false;
        try {
          const blocks = await keepFile(join(folder, file), artifact, ref, () => gate.enter(options));
          gate.enter(options);
          const boards = ref.hardware === undefined ? null : JSON.stringify(ref.hardware);
          const meanwhile = await rows.add({ ...ref, boards, file, blocks }); // two puts of the same bytes may overlap
          adopted = meanwhile === undefined;
          if (adopted) proven.add(ref.digest, blocks);
          return known(meanwhile, ref) ?? ref;
        } finally {
          if (!adopted) await rm(join(folder, file), { force: true });
        }
      });
    },

    async open(digest: string, options?: CallOptions): Promise<Artifact> {
      gate.enter(options);
      return counters.measure("artifacts.open", one, async () => {
        const row = isDigest(digest) ? await rows.find(digest) : undefined;
        if (row === undefined) throw unknownArtifact();
        const ref = readRow(row, folder);
        const [, , , , , file, blocks] = row as unknown as Columns;
        const stored = await findStored(placeOf(folder, file), ref.length, blocks);
        await proven.prove(digest, stored, () => gate.enter(options));
        return openStored(ref, stored);
      });
    },

    async remove(digest: string, options?: CallOptions): Promise<boolean> {
      gate.enter(options);
      return counters.measure("artifacts.remove", Number, async () => {
        const removed = isDigest(digest) ? await rows.remove(digest) : undefined;
        if (removed !== undefined) await rm(placeOf(folder, removed), { force: true });
        return removed !== undefined;
      });
    },

    async list(options?: PageOptions): Promise<Listing<ArtifactRef>> {
      gate.enter(options, pageOptions);
      const window = resolvePage(cursors, use, options);
      return counters.measure(
        "artifacts.list",
        ({ items }) => items.length,
        async () => {
          const found = (await rows.page(window)).map((row) => readRow(row, folder));
          return listing(found, (ref) => ref.digest, window, issuer(cursors, use));
        },
      );
    },
  });
}

const one = () => 1;

/** Where a file is, by the name that a row has for it: a row that was tampered with must not lead out of the folder. */
function placeOf(folder: string, file: string): string {
  if (/^[0-9a-f]{64}\.[0-9a-f]{16}$/.test(file)) return join(folder, file);
  const what = "the database names a file for an artifact that is none of this folder's; restore it from a copy";
  throw failed(what, { place: folder });
}

const isDigest = (digest: unknown): boolean => typeof digest === "string" && /^[0-9a-f]{64}$/.test(digest);

/** Removes files that a crash left behind. */
export async function sweepArtifacts(rows: ArtifactRows, folder: string, now: number): Promise<void> {
  const isKept = async (name: string) => ((await rows.find(name.slice(0, 64))) as Columns | undefined)?.[5] === name;
  await sweepFiles(folder, isKept, now);
}

/** @throws `registry_failed` for a row that no put could have made */
function readRow(row: readonly unknown[], folder: string): ArtifactRef {
  const [digest, name, version, length, hardware] = row as unknown as Columns;
  try {
    const boards = hardware === null ? {} : { hardware: JSON.parse(hardware) as readonly string[] };
    return readReference({ name, version, length, digest, ...boards });
  } catch (cause) {
    const what = "the database's row of an artifact in this folder is none that was put; restore it from a copy";
    throw failed(what, { place: folder, cause });
  }
}
