import { admissionMutations } from "./admission.ts";
import { byteMutations } from "./bytes.ts";
import { leakMutations } from "./leaks.ts";
import { registryMutations } from "./registry.ts";
import { tellingMutations } from "./telling.ts";
import { trustMutations } from "./trust.ts";
import { truthMutations } from "./truth.ts";
import type { Mutation } from "./types.ts";
import { wireMutations } from "./wire.ts";

/** Every defect that is planted. */
export const mutations: readonly Mutation[] = [
  ...truthMutations,
  ...trustMutations,
  ...admissionMutations,
  ...byteMutations,
  ...wireMutations,
  ...tellingMutations,
  ...leakMutations,
  ...registryMutations,
];
