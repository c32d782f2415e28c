import type { Trial } from "../types.ts";
import { ablations } from "./ablations.ts";
import { adapters } from "./adapters.ts";
import { fleet } from "./fleet.ts";
import { large } from "./large.ts";
import { small } from "./small.ts";
import { store } from "./store.ts";

export const trials: readonly Trial[] = [...small, ...large, ...fleet, ...store, ...adapters, ...ablations];
