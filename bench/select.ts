import type { Trial } from "./types.ts";

export interface Choice {
  /** One group of trials. */
  readonly only?: string | undefined;
  /** One trial by name. */
  readonly trial?: string | undefined;
  /** Also those that take long. */
  readonly long?: boolean;
}

/** @throws when nothing is chosen; the message names what there is */
export function select(trials: readonly Trial[], { only, trial, long = false }: Choice): readonly Trial[] {
  const chosen = trials.filter(
    ({ name, group, long: takesLong }) =>
      (only === undefined || group === only) &&
      (trial === undefined || name === trial) &&
      (long || trial !== undefined || takesLong !== true),
  );
  if (chosen.length > 0) return chosen;
  const groups = [...new Set(trials.map(({ group }) => group))];
  throw new Error(`No such trial. Groups: ${groups.join(", ")}. Trials: ${trials.map(({ name }) => name).join(", ")}.`);
}
