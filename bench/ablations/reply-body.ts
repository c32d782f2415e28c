import { ReplyBody } from "../../src/http/response.ts";
import type { Context, Runner } from "../types.ts";
import { loop } from "./shared.ts";

const cap = 1_048_576;

/** One answer's body, gathered: into memory of the announced length, or as a list that is joined at the end. */
export function prepare({ parameters }: Context): Runner {
  const bytes = parameters.bytes ?? 0;
  const pieceLength = Math.min(bytes, 16_384);
  const pieces = Array.from({ length: Math.ceil(bytes / pieceLength) }, () => Buffer.alloc(pieceLength, 0x20));
  if (parameters.variant === "on") {
    return loop(() => {
      const body = new ReplyBody(cap, bytes);
      for (const piece of pieces) body.push(piece);
      return body.finish();
    });
  }
  return loop(() => {
    const list: Buffer[] = [];
    let length = 0;
    for (const piece of pieces) {
      length += piece.length;
      if (length > cap) throw new Error("too large");
      list.push(piece);
    }
    return Buffer.concat(list, length);
  });
}
