import { isRecord } from "./plain.ts";

/**
 * Headers that hold a login and nothing else. A registry shows and exports what a profile says, so they have no place in
 * one. The list is closed: a login in a header of another name is kept, and shown, like any header.
 */
const loginHeaders: ReadonlySet<string> = new Set([
  "authorization",
  "proxy-authorization",
  "cookie",
  "set-cookie",
  "api-key",
  "x-api-key",
  "x-access-token",
  "x-auth-token",
]);

export const isLoginHeader = (name: string): boolean => loginHeaders.has(name.trim().toLowerCase());

/** The first such header among those of a request, in lower case. */
export function loginAmong(headers: unknown): string | undefined {
  if (!isRecord(headers)) return undefined;
  return Object.keys(headers).find(isLoginHeader)?.trim().toLowerCase();
}

/** Why one is refused, and where what it says belongs; to be told after its name. */
export const loginRule =
  "a header of that name holds a login, and what is kept is shown and exported; a device's credentials say where its login is to be found, and what they cannot say goes with the call";
