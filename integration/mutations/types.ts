/** A text in a source file, and what a defect puts in its place. */
export interface Edit {
  readonly file: string;
  /** Stands there exactly once. */
  readonly find: string;
  readonly replace: string;
}

/** A defect that somebody could plant by mistake, and the test that is there to catch it. */
export interface Mutation {
  readonly name: string;
  /** What the product would then do. */
  readonly defect: string;
  readonly edits: readonly Edit[];
  readonly test: NamedTest;
}

export interface NamedTest {
  /** The test file that is run. */
  readonly file: string;
  /** Where the title stands, if that is a suite which the file runs. */
  readonly suite?: string;
  /** The test's title, or as much of it as stands in the source as it is: a table's rows share the rest. */
  readonly title: string;
}
