import { checkHeaders } from "../../src/http/headers.ts";
import { pushHeaders } from "../peers/shared.ts";
import type { Context, Runner } from "../types.ts";
import { loop } from "./shared.ts";

const frozen: readonly string[] = Object.freeze([...pushHeaders]);

/** The header block of one request: one frozen block, checked once; or made, and checked, for each request. */
export function prepare({ parameters }: Context): Runner {
  return loop(() => {
    const block = parameters.variant === "on" ? frozen : [...pushHeaders];
    checkHeaders(block);
    return block;
  });
}
