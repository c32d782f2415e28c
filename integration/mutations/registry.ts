import type { Mutation } from "./types.ts";

/** What would lose what was acknowledged, or make the registry tell what is not so. */
export const registryMutations: readonly Mutation[] = [
  {
    name: "synchronous-off",
    defect: "a commit does not wait for the disk",
    edits: [{ file: "src/store/sqlite/settings.ts", find: "synchronous: 2,", replace: "synchronous: 0," }],
    test: { file: "src/store/sqlite/database.test.ts", title: "is set as it should be: what reads, and what writes" },
  },
  {
    name: "acknowledged-before-commit",
    defect: "a write is acknowledged before its transaction is committed",
    edits: [
      {
        file: "src/store/sqlite/group-commit.ts",
        find: "      done.push(job);",
        replace: "      job.acknowledge();\n      done.push(job);",
      },
    ],
    test: { file: "src/store/sqlite/database.test.ts", title: "acknowledges nothing of a commit that failed" },
  },
  {
    name: "naive-cursor",
    defect: "a change feed goes on at its end, and skips what did not fit",
    edits: [
      {
        file: "src/registry/feed.ts",
        find: "cursor: this.cursor(told.at(-1)?.revision ?? from), more: true",
        replace: "cursor: this.cursor(end), more: true",
      },
    ],
    test: {
      file: "src/registry/sqlite/sqlite.test.ts",
      suite: "src/registry/device-feed.suite.ts",
      title: "goes on from each cursor, as often as one likes, and never tells a change twice",
    },
  },
  {
    name: "foreign-cursor",
    defect: "a cursor of another registry or filter is read",
    edits: [{ file: "src/registry/cursor.ts", find: "|| digest !== seal(use, position)", replace: "" }],
    test: {
      file: "src/registry/memory/memory.test.ts",
      suite: "src/registry/device-pages.suite.ts",
      title: "refuses cursors of another call, another table and another registry",
    },
  },
  {
    name: "revision-twice",
    defect: "a removal of profiles in PostgreSQL gives out revisions that another process gives out too",
    edits: [
      {
        file: "src/registry/postgres/profile-functions.ts",
        find: "SELECT fleet.revision INTO start FROM fleet WHERE fleet.key = f FOR NO KEY UPDATE;",
        replace: "SELECT fleet.revision INTO start FROM fleet WHERE fleet.key = f;",
      },
    ],
    test: { file: "src/registry/postgres/races.test.ts", title: "give out each revision once: " },
  },
  {
    name: "orphaned-override",
    defect: "an override stays that was put in PostgreSQL while its device was removed",
    edits: [
      {
        file: "src/registry/postgres/device-functions.ts",
        find: "INTO start, overrides FROM fleet WHERE fleet.key = f FOR NO KEY UPDATE;",
        replace: "INTO start, overrides FROM fleet WHERE fleet.key = f;",
      },
    ],
    test: { file: "src/registry/postgres/races.test.ts", title: "are decided by what is there when they are done: " },
  },
  {
    name: "artifact-unchecked",
    defect: "a store keeps bytes that are not those of the digest",
    edits: [
      {
        file: "src/registry/artifact-bytes.ts",
        find: 'if (position !== reference.length || hash.digest("hex") !== reference.digest) throw mismatch();',
        replace: "",
      },
    ],
    test: {
      file: "src/registry/sqlite/sqlite.test.ts",
      suite: "src/registry/artifacts.suite.ts",
      title: "keeps nothing of",
    },
  },
  {
    name: "table-believed",
    defect: "the block table of a row is believed, whoever wrote it",
    edits: [
      { file: "src/registry/proven-tables.ts", find: "if (found !== digest) throw", replace: "if (false) throw" },
    ],
    test: {
      file: "src/registry/kept-artifacts.test.ts",
      title: "is not opened where file and row were forged together",
    },
  },
  {
    name: "table-of-another",
    defect: "a table that was proven once lets any later row's pass",
    edits: [
      {
        file: "src/registry/proven-tables.ts",
        find: "known !== undefined && Buffer.compare(known, stored.blocks) === 0",
        replace: "known !== undefined",
      },
    ],
    test: {
      file: "integration/threats.test.ts",
      title: "has no device sent other bytes than an artifact's digest says",
    },
  },
  {
    name: "row-leads-anywhere",
    defect: "a row that was tampered with names any file of the machine for an artifact",
    edits: [
      {
        file: "src/registry/kept-artifacts.ts",
        find: "if (/^[0-9a-f]{64}\\.[0-9a-f]{16}$/.test(file)) return join(folder, file);",
        replace: "if (file !== undefined) return join(folder, file);",
      },
    ],
    test: { file: "integration/threats.test.ts", title: "leads to no file outside of the artifacts' folder" },
  },
  {
    name: "formula-exported",
    defect: "a spreadsheet runs what a device is called",
    edits: [
      {
        file: "src/registry/transfer/columns.ts",
        find: "return runnable.test(cell) || guarded.test(cell) ?",
        replace: "return cell === undefined ?",
      },
    ],
    test: {
      file: "integration/fuzz/transfer.test.ts",
      title: "hold no cell that a spreadsheet would run, and lose nothing by it",
    },
  },
];
