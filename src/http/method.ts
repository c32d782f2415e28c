import { FlashwaveError } from "../core/errors.ts";

/** RFC 9110 §9.1: a token; by convention upper case. CONNECT and TRACE ask for something other than an answer to a request. */
const grammar = /^(?!CONNECT$|TRACE$)[A-Z][A-Z\d-]{0,31}$/;

/** @throws `invalid_option` */
export function checkMethod(method: string): void {
  if (method === "GET" || method === "POST" || method === "PUT") return;
  if (typeof method === "string" && grammar.test(method)) return;
  throw new FlashwaveError("invalid_option", "A request method must be an upper-case HTTP method other than CONNECT.", {
    phase: "prepare",
  });
}
