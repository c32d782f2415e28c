export type SuiteName = "fuzz" | "mutate" | "kills" | "misbehaviour" | "flat";

/** One of the suites that `npm run torture` runs, each in a process of its own, one after the other. */
export interface LongSuite {
  readonly name: SuiteName;
  /** What it shows, in SECURITY.md's table. */
  readonly about: string;
  /** Test files: parts of their paths, as `vitest run` takes them. Or one program. It tells at least one figure. */
  readonly runs: readonly string[] | { readonly program: string };
}

/** Every suite that has a long form. */
export const longSuites: readonly LongSuite[] = [
  {
    name: "fuzz",
    about: "generated and mutated inputs: a checked value or an error with a code, nothing else",
    runs: ["integration/fuzz/"],
  },
  {
    name: "mutate",
    about: "defects planted one at a time, each caught by the test that is named for it",
    runs: { program: "integration/mutate.ts" },
  },
  {
    name: "kills",
    about: "processes and database servers killed with SIGKILL while they write: nothing acknowledged is lost",
    runs: ["integration/sqlite.test.ts", "integration/postgres.test.ts"],
  },
  {
    name: "misbehaviour",
    about: "devices that misbehave on bare connections, through every adapter: each call settles with the right code",
    runs: ["integration/misbehaviour/", "integration/faults/adapters.test.ts"],
  },
  {
    name: "flat",
    about: "faulty pushes of one client: handles and sockets as before, the heap flat",
    runs: ["integration/flat.test.ts"],
  },
];
