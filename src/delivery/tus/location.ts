import { checkPath } from "../../http/path.ts";

/** Where an upload is: a path at the device's own origin, or what is wrong with what it named. */
export type Location = { readonly path: string } | { readonly foreign: true } | { readonly problem: string };

const absolute = /^([a-z][a-z\d+.-]*:\/\/[^/?#]*)(.*)$/is;
/** Scheme, host and port, and nothing that parsers disagree on: no user, no backslash, no percent-encoding. */
const plainAuthority = /^https?:\/\/(?:[\w.-]+|\[[\da-f:.]+\])(?::\d+)?$/i;
const longest = 4096;

/**
 * Reads a `Location` (RFC 9110 §10.2.2): absolute, or relative to the path that was asked. The upload's bytes and
 * whatever authenticates us go there, so it must stand at the very origin that the device has; and its path is taken as
 * written, never normalised, so that what is checked is what is sent.
 */
export function readLocation(location: string, origin: string, asked: string): Location {
  if (location.length > longest) return { problem: `is longer than ${longest} characters` };
  const [, authority, rest] = absolute.exec(location) ?? [];
  if (authority === undefined)
    return location.startsWith("//") ? { foreign: true } : checked(relative(location, asked));
  if (!plainAuthority.test(authority) || URL.parse(authority)?.origin !== origin) return { foreign: true };
  return checked(rest ?? "");
}

/** RFC 3986 §5.2 without dot segments, which are refused anyway. */
function relative(location: string, asked: string): string {
  const [path = ""] = asked.split("?", 1);
  if (location.startsWith("/")) return location;
  if (location === "") return "";
  // "A path segment that contains a colon character cannot be used as the first segment of a relative-path reference."
  if (/^[^/?]*:/.test(location)) return "";
  return location.startsWith("?") ? path + location : path.slice(0, path.lastIndexOf("/") + 1) + location;
}

function checked(path: string): Location {
  if (!isUploadPath(path)) return { problem: "is no path that can be sent as it is" };
  return { path };
}

/** Also for a path out of a stored token: the transport's own rules, and no dot segment behind an encoded slash either. */
export function isUploadPath(path: string): boolean {
  try {
    checkPath(path);
    const [plain = ""] = path.split("?", 1);
    return path.length <= longest && !/[/\\]\.{1,2}(?:[/\\]|$)/.test(decodeURIComponent(plain));
  } catch {
    return false;
  }
}
