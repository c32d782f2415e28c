import type { Credentials } from "../core/index.ts";
import type { Flags } from "./flags.ts";
import type { Fleet } from "./store/fleet.ts";
import type { Login, Situation } from "./words.ts";

/** What was given for each device, where the advice of its errors depends on it. */
export function situationsOf(
  { header }: Pick<Flags, "header">,
  credentials: Credentials | undefined,
  { stored, maybeIds }: Pick<Fleet, "stored" | "maybeIds">,
): (device: string) => Situation {
  const idsOf = (field: "credentials" | "profile") =>
    new Set(stored.filter((device) => device[field] !== undefined).map(({ id }) => id));
  const [keptLogin, profiled] = [idsOf("credentials"), idsOf("profile")];
  const typed: Login | undefined = credentials && (credentials.token === undefined ? "user" : "token");
  const sent: Login | undefined = header && "header";
  return (device) => ({
    login: typed ?? (keptLogin.has(device) ? "store" : sent),
    maybeId: maybeIds.has(device),
    profiled: profiled.has(device),
  });
}
