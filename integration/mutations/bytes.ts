import type { Mutation } from "./types.ts";

/** What would give a device wrong bytes, or another memory's. */
export const byteMutations: readonly Mutation[] = [
  {
    name: "block-check-skipped",
    defect: "a block that changed on the disk is sent",
    edits: [{ file: "src/bytes/stored.ts", find: "if (!print.table.check(index, block))", replace: "if (false)" }],
    test: {
      file: "integration/bytes-on-the-wire.test.ts",
      title: "changed, aborted, restored, sent again: no wrong byte ever leaves",
    },
  },
  {
    name: "digest-not-compared",
    defect: "an artifact of another digest than the caller's is opened",
    edits: [
      {
        file: "src/bytes/open-artifact.ts",
        find: "if (settings.digest === undefined || settings.digest === stored.digest) return undefined;",
        replace: "return undefined;",
      },
    ],
    test: {
      file: "src/bytes/open-artifact.test.ts",
      title: "is refused, whatever the source, and nothing is left behind",
    },
  },
  {
    name: "memory-returned-early",
    defect: "pool memory is given back while a read into it is under way",
    edits: [{ file: "src/bytes/block-ring.ts", find: "await this.#ahead?.catch(() => undefined);", replace: "" }],
    test: { file: "src/bytes/block-ring.test.ts", title: "is given back only when the read in flight has ended" },
  },
  {
    name: "small-chunk-in-the-pool",
    defect: "a chunk that a socket does not wait for lies in memory that is used again",
    edits: [
      {
        file: "src/bytes/block-ring.ts",
        find: "return chunk.length < smallestPooledChunk ? Buffer.from(chunk) : chunk;",
        replace: "return chunk;",
      },
    ],
    test: { file: "src/bytes/block-ring.test.ts", title: "below 64 KiB never lie in pooled memory, larger ones do" },
  },
  {
    name: "sent-not-looked-at",
    defect: "all bytes queued counts as all bytes sent",
    edits: [
      {
        file: "src/http/sent.ts",
        find: "this.#left = this.total === 0 || (socket?.destroyed === false && socket.writableLength === 0);",
        replace: "this.#left = true;",
      },
    ],
    test: {
      file: "src/http/sent.test.ts",
      title: "wants both: all queued, and nothing waiting in a socket that is open",
    },
  },
  {
    name: "undici-sends-again",
    defect: "a request that began to be written is written again on a new socket",
    edits: [
      {
        file: "src/http/connection.ts",
        find: "if (this.#cargo === undefined || this.#cargo.started) {",
        replace: "if (this.#cargo === undefined) {",
      },
    ],
    test: {
      file: "src/http/connection.test.ts",
      title: "opens no second socket for a request that began to be written, even where undici asks for one",
    },
  },
];
