import type { TestContext } from "vitest";
import type { DeliverySuiteOptions } from "./rig.suite.ts";

type Ability = keyof NonNullable<DeliverySuiteOptions["cannot"]>;

/** Skips a test, by the reason that the adapter gave, where its devices cannot show what the test needs. */
export function needs(test: TestContext, options: DeliverySuiteOptions, ...abilities: readonly Ability[]): void {
  for (const ability of abilities) {
    const reason = options.cannot?.[ability];
    if (reason !== undefined) test.skip(reason);
  }
}
