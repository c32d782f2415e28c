import type { Mutation, NamedTest } from "./types.ts";

const flat: NamedTest = { file: "integration/flat.test.ts", title: "leave nothing behind" };

/** What would fill memory or run out of descriptors, one push at a time. */
export const leakMutations: readonly Mutation[] = [
  {
    name: "listener-left",
    defect: "every exchange stays a listener of the caller's signal",
    edits: [
      {
        file: "src/http/exchange.ts",
        find: 'this.#request.signal?.removeEventListener("abort", this);',
        replace: "",
      },
    ],
    test: flat,
  },
  {
    name: "socket-left",
    defect: "the connection of a fault is not closed, as long as the client is open",
    edits: [
      {
        file: "src/http/transport.ts",
        find: "else this.#pool.discard(connection);",
        replace: "else connection.rest();",
      },
    ],
    test: flat,
  },
  {
    name: "lease-left",
    defect: "every pass over an artifact keeps its pool memory",
    edits: [{ file: "src/bytes/block-ring.ts", find: "this.#front.release();", replace: "" }],
    test: flat,
  },
  {
    name: "hundred-bytes-left",
    defect: "every push leaves a hundred bytes in the client",
    edits: [
      {
        file: "src/push/client.ts",
        find: "readonly #underWay = new Set<string>();",
        replace: "readonly #underWay = new Set<string>();\n  readonly #left: unknown[] = [];",
      },
      {
        file: "src/push/client.ts",
        find: "this.#underWay.delete(work.id);",
        replace: "this.#underWay.delete(work.id);\n    this.#left.push([work.id, 1, 2, 3, 4, 5]);",
      },
    ],
    test: flat,
  },
];
