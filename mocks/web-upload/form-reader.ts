import { createHash, type Hash } from "node:crypto";
import type { Form, FormPart, Unwrapping } from "../dialect.ts";
import type { RequestHead } from "../records.ts";

const blankLine = Buffer.from("\r\n\r\n");
const longestHead = 4_096;
const longestField = 65_536;
const nothing: Buffer = Buffer.alloc(0);

/** Uses up what it can of the bytes held back; false when it needs more of them. */
type Step = () => boolean;

/**
 * Reads multipart/form-data (RFC 7578) as strictly as the smallest device: no preamble, one space where the examples
 * have one, quoted names, one file, and nothing after the closing boundary but its line end. Of the file, no more is
 * held back than a boundary could be hidden in.
 *
 *     --b␍␊ ─▶ head ─▶ body … ␍␊--b ─┬─ ␍␊ ─▶ head
 *                                     └─ -- ─▶ end
 */
export class FormReader implements Unwrapping {
  readonly #boundary: Buffer;
  readonly #fields: Record<string, string> = Object.create(null);
  readonly #parts: FormPart[] = [];
  readonly #md5: Hash = createHash("md5");
  #file: FormPart | undefined;
  #current: FormPart | undefined;
  #text: Buffer = nothing;
  #held: Buffer = nothing;
  #out: Buffer[] = [];
  #step: Step | undefined = () => this.#opening();
  #problem: string | undefined;

  constructor({ headers }: RequestHead) {
    const boundary = /^multipart\/form-data; boundary=([\w'()+,./:=?-]{1,70})$/.exec(
      headers["content-type"] ?? "",
    )?.[1];
    this.#boundary = Buffer.from(`\r\n--${boundary ?? ""}`);
    if (boundary === undefined) this.#fail("it is not multipart/form-data with a boundary");
    else if (headers["content-length"] === undefined) this.#fail("its length is not told");
  }

  write(chunk: Buffer): readonly Buffer[] {
    if (this.#problem !== undefined) return [];
    this.#out = [];
    this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    while (this.#step?.() === true);
    return this.#out;
  }

  end(): Form {
    if (this.#problem === undefined && this.#step !== undefined) this.#fail("it ends before its closing boundary");
    if (this.#problem === undefined && !this.#held.equals(Buffer.from("\r\n"))) {
      this.#fail("something other than a line end follows its closing boundary");
    }
    return {
      fields: this.#fields,
      parts: this.#parts,
      md5: this.#md5.digest("hex"),
      ...(this.#file && { file: this.#file }),
      ...(this.#problem !== undefined && { problem: this.#problem }),
    };
  }

  #fail(problem: string): false {
    this.#problem ??= problem;
    this.#step = undefined;
    return false;
  }

  #use(bytes: number, next: Step | undefined): true {
    this.#held = this.#held.subarray(bytes);
    this.#step = next;
    return true;
  }

  #opening(): boolean {
    // The first boundary stands at the very beginning, without the line end of those that follow.
    const first = Buffer.concat([this.#boundary.subarray(2), Buffer.from("\r\n")]);
    const seen = this.#held.subarray(0, first.length);
    if (!seen.equals(first.subarray(0, seen.length))) return this.#fail("it does not begin with its boundary");
    return seen.length === first.length && this.#use(first.length, () => this.#head());
  }

  #head(): boolean {
    const end = this.#held.indexOf(blankLine);
    if (end < 0) return this.#held.length > longestHead ? this.#fail("a part's head does not end") : false;
    const lines = this.#held.toString("utf8", 0, end).split("\r\n");
    const part = partOf(lines);
    if (typeof part === "string") return this.#fail(part);
    if (part.filename !== undefined && this.#file !== undefined) return this.#fail("it has two files");
    this.#parts.push(part);
    this.#current = part;
    if (part.filename !== undefined) this.#file = part;
    this.#text = nothing;
    return this.#use(end + blankLine.length, () => this.#body());
  }

  #body(): boolean {
    const end = this.#held.indexOf(this.#boundary);
    const certain = end >= 0 ? end : Math.max(0, this.#held.length - this.#boundary.length + 1);
    if (!this.#take(this.#held.subarray(0, certain))) return false;
    if (end < 0) {
      this.#held = this.#held.subarray(certain);
      return false;
    }
    const { name, filename } = this.#current ?? { name: "" };
    if (filename === undefined) this.#fields[name] = this.#text.toString();
    return this.#use(end + this.#boundary.length, () => this.#after());
  }

  #take(bytes: Buffer): boolean {
    if (this.#current?.filename !== undefined) {
      this.#md5.update(bytes);
      if (bytes.length > 0) this.#out.push(bytes);
      return true;
    }
    this.#text = Buffer.concat([this.#text, bytes]);
    return this.#text.length <= longestField || this.#fail("a field is longer than any device takes");
  }

  #after(): boolean {
    if (this.#held.length < 2) return false;
    const mark = this.#held.toString("latin1", 0, 2);
    if (mark === "\r\n") return this.#use(2, () => this.#head());
    if (mark !== "--") return this.#fail("a boundary is followed by something else");
    return this.#use(2, undefined);
  }
}

/** A part as its head names it, or what is wrong with the head. */
function partOf(lines: readonly string[]): FormPart | string {
  const [disposition = "", type, ...more] = lines;
  const found = /^Content-Disposition: form-data; name="([^"\r\n]*)"(?:; filename="([^"\r\n]*)")?$/.exec(disposition);
  if (found === null) return "a part does not begin with its Content-Disposition";
  const contentType = type === undefined ? undefined : /^Content-Type: (\S+)$/.exec(type)?.[1];
  if (more.length > 0 || (type !== undefined && contentType === undefined)) return "a part has an unknown header";
  const [, name = "", filename] = found;
  return { name, ...(filename !== undefined && { filename }), ...(contentType !== undefined && { contentType }) };
}
