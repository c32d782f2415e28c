import { adminPrefix } from "./admin.ts";
import type { Dialect } from "./dialect.ts";
import type { Endpoint, RequestHead } from "./records.ts";
import { DigestLogin } from "./web-upload/digest-login.ts";

export interface LoginOptions {
  readonly username: string;
  readonly password: string;
  /** What anybody may ask. @default nothing */
  readonly open?: readonly Endpoint[];
}

/** Any protocol, behind a login by Digest (RFC 7616, MD5): whatever is asked without it is answered 401, and not done. */
export function withLogin(dialect: Dialect, { username, password, open = [] }: LoginOptions): Dialect {
  const login = new DigestLogin("simulated device", username, password);
  const { unwrap } = dialect;
  return {
    endpointOf: (head) => dialect.endpointOf(head),
    ...(unwrap && { unwrap: (head: RequestHead) => unwrap.call(dialect, head) }),
    answer(device, endpoint, asked, effect) {
      const { head } = asked;
      const free = endpoint === "other" ? head.path.startsWith(adminPrefix) : open.includes(endpoint);
      if (free || login.holds(head)) return dialect.answer(device, endpoint, asked, effect);
      const headers = { "www-authenticate": login.challenge() };
      return { reply: { status: 401, headers, json: { error: "log in" } }, outcome: "refused" };
    },
  };
}
