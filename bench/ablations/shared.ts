import type { Runner } from "../types.ts";

/** An ablation without a network: one function, called again and again. What it returns is kept from being removed. */
export function loop(work: (index: number) => unknown): Runner {
  let kept: unknown;
  return {
    run: async (ops) => {
      for (let index = 0; index < ops; index++) kept = work(index);
      if (kept === undefined) throw new Error("An ablation must have a result.");
      return undefined;
    },
    close: () => undefined,
  };
}
