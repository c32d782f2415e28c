import { atLeast, atMost, type Bar, none, speed } from "./bar.ts";
import { quotedStore } from "./quoted.ts";

/** One call at a time. */
const alone = quotedStore.filter(({ trial }) => !trial.startsWith("concurrent-"));

export const storeBars: readonly Bar[] = [
  ...quotedStore.map(({ trial, what, reached }) =>
    atLeast(
      `store-${trial}`,
      `SQLite, ${what}: what the reference reached ÷ ours`,
      1,
      3,
      (of) => reached / of(trial, "sqlite", "wall"),
    ),
  ),
  // Who reads more profiles than are remembered, or follows changes, to whom every row is new.
  ...alone.map(({ trial, what, reached }) =>
    atLeast(
      `store-${trial}-anew`,
      `SQLite with nothing remembered, ${what}: what the reference reached ÷ ours`,
      1,
      3,
      (of) => reached / of(trial, "sqlite anew", "wall"),
    ),
  ),
  // As the reference has them: its headers are rows of their own, which neither of these questions reads.
  ...alone
    .filter(({ trial }) => trial === "snapshot-page" || trial === "changes")
    .map(({ trial, what, reached }) =>
      atLeast(
        `store-${trial}-bare`,
        `SQLite with nothing remembered, ${what} without headers: what the reference reached ÷ ours`,
        1,
        3,
        (of) => reached / of(trial, "sqlite anew, bare", "wall"),
      ),
    ),
  // What the reference reached is of another day; this is of the same turn, whatever the machine's pace.
  ...alone.map(({ trial, what }) =>
    atLeast(
      `store-${trial}-go`,
      `SQLite with nothing remembered, ${what}: Go with SQLite, prepared for each call ÷ ours`,
      1,
      3,
      (of) => speed(of, trial, "sqlite anew", "Go + SQLite"),
    ),
  ),
  ...(["sqlite", "postgres"] as const).flatMap((store): readonly Bar[] => [
    {
      id: `clients-${store}`,
      metric: `50 clients on ${store} for 10 s, operations of one fleet`,
      bar: 1,
      goal: 3,
      bound: "at least",
      unit: "k/s",
      measure: (of) => 1e3 / of("clients-50", store, "wall"),
    },
    none(
      `clients-errors-${store}`,
      `50 clients on ${store} for 10 s: errors and violations of integrity`,
      (of) => of("clients-50", store, "count errors") + of("clients-50", store, "count violations"),
    ),
  ]),
  none(
    "store-busy",
    "four readers of one SQLite file that a fifth writes to: errors",
    (of) =>
      of("snapshots-beside-writer", "sqlite", "count errors") + of("changes-beside-writer", "sqlite", "count errors"),
  ),
  ...(["sqlite", "postgres"] as const).map((store) =>
    atMost(
      `import-rss-${store}`,
      `growth of resident memory, 100,000 devices into ${store} ÷ 10,000`,
      2,
      1.5,
      "×",
      (of) => of("import-100k", store, "rssPeak") / of("import-10k", store, "rssPeak"),
    ),
  ),
  // What the ratio of resident memory cannot tell apart: what is ours, and how far V8 has widened its young generation.
  ...(["sqlite", "postgres"] as const).flatMap((store): readonly Bar[] => [
    atMost(
      `import-own-${store}`,
      `growth of anonymous memory beside V8's young generation, 400,000 devices into ${store} ÷ 100,000`,
      2,
      1.5,
      "×",
      (of) => of("import-400k", store, "count own peak +") / of("import-100k", store, "count own peak +"),
    ),
    atMost(
      `import-peak-${store}`,
      `growth of resident memory, 400,000 devices into ${store}`,
      96,
      64,
      "MB",
      (of) => of("import-400k", store, "rssPeak") / 1e6,
    ),
  ]),
];
