import { FlashwaveError } from "../core/errors.ts";

/**
 * RFC 3986 §3.3 and §3.4: an absolute path of pchar segments, then an optional query. A second slash at the front
 * would make an authority of the first segment, so it is refused here and not left to the device.
 */
const grammar = /^\/(?!\/)(?:[\w\-.~!$&'()*+,;=:@/?]|%[\dA-Fa-f]{2})*$/;

/** RFC 3986 §5.2.4: `.` and `..` segments, also where they are percent-encoded; a device may or may not remove them. */
const dotSegment = /\/(?:\.|%2e){1,2}(?=[/?]|$)/i;

const longest = 8192;

/**
 * Checks that a request path can be sent exactly as given.
 * @throws `invalid_path`
 */
export function checkPath(path: string): void {
  if (typeof path === "string" && path.length <= longest && grammar.test(path)) {
    // Only the path has segments; in a query, dots are text. Most paths have no dot at all.
    if (!path.includes("/.") && !path.includes("%")) return;
    if (!dotSegment.test(path.split("?", 1)[0] ?? "")) return;
  }
  throw new FlashwaveError("invalid_path", `A request path was refused: ${complaint(path)}.`, { phase: "prepare" });
}

function complaint(path: unknown): string {
  if (typeof path !== "string") return "it is not a string";
  if (path.length > longest) return `it is longer than ${longest} characters`;
  if (/^[a-z][a-z\d+.-]*:/i.test(path) || path.startsWith("//")) {
    return "it is a URL; give the path alone, the host comes from the device's address";
  }
  if (!path.startsWith("/")) return 'it must start with "/"';
  if (/%(?![\dA-Fa-f]{2})/.test(path)) return 'it has a "%" that is not followed by two hexadecimal digits';
  if (grammar.test(path)) return 'it has a "." or ".." segment; write the path that is meant';
  return "it has a character that must be percent-encoded (RFC 3986 §3.3)";
}
