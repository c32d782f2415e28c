import { join, relative } from "node:path";
import { createVitest, type TestModule } from "vitest/node";

/**
 * The names of the tests that a run would run, and of their groups, by file: as the runner itself reads them, without
 * running any. What is skipped, to do, or only text is none of them. A name is the whole of what `it` or `describe` is
 * given, a pattern's `%s` as it stands; a function of one's own that declares tests is known by a name that ends in `Test`.
 *
 * @param files paths below `root`
 */
export async function liveTests(
  root: string,
  files: readonly string[],
): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const include = ["**/*.{test,suite}.ts"];
  const vitest = await createVitest("test", { root, config: false, watch: false, include });
  try {
    const found = await vitest.globTestSpecifications(files.map((file) => join(root, file)));
    const modules = await vitest.parseSpecifications(found);
    return new Map(modules.map((module) => [relative(root, module.moduleId), new Set(liveNames(module))]));
  } finally {
    await vitest.close();
  }
}

function* liveNames({ children }: TestModule): Generator<string, void> {
  for (const test of children.allTests()) {
    if (test.options.mode !== "run") continue;
    yield test.name;
    for (let group = test.parent; group.type === "suite"; group = group.parent) yield group.name;
  }
}
