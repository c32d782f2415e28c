import { createHash, type Hash } from "node:crypto";
import type { Form, FormPart, Unwrapping } from "../dialect.ts";
import { FormReader, MalformedForm } from "../form.ts";
import type { RequestHead } from "../records.ts";

const longestField = 65_536;

/**
 * Takes the one file out of a form (RFC 7578) as strictly as the smallest device: one space where the examples have one,
 * quoted names, no header but the two.
 */
export class FileForm implements Unwrapping {
  readonly #reader: FormReader;
  readonly #fields: Record<string, string> = Object.create(null);
  readonly #parts: FormPart[] = [];
  readonly #md5: Hash = createHash("md5");
  #file: FormPart | undefined;
  #text: Buffer = Buffer.alloc(0);
  #out: Buffer[] = [];
  #problem: string | undefined;

  constructor({ headers }: RequestHead) {
    const type = headers["content-type"] ?? "";
    const boundary = /^multipart\/form-data; boundary=([\w'()+,./:=?-]{1,70})$/.exec(type)?.[1];
    if (boundary === undefined) this.#problem = "it is not multipart/form-data with a boundary";
    else if (headers["content-length"] === undefined) this.#problem = "its length is not told";
    this.#reader = new FormReader(boundary ?? "", {
      onPart: (head) => this.#part(partOf(head)),
      onBytes: (bytes) => this.#bytes(bytes),
    });
  }

  write(chunk: Buffer): readonly Buffer[] {
    this.#out = [];
    this.#spoiled(() => this.#reader.write(chunk));
    return this.#out;
  }

  end(): Form {
    this.#spoiled(() => this.#reader.end());
    return {
      fields: this.#fields,
      parts: this.#parts,
      md5: this.#md5.digest("hex"),
      ...(this.#file && { file: this.#file }),
      ...(this.#problem !== undefined && { problem: this.#problem }),
    };
  }

  /** Nothing is read any more once something was wrong. */
  #spoiled(read: () => void): void {
    if (this.#problem !== undefined) return;
    try {
      read();
    } catch (error) {
      if (!(error instanceof MalformedForm)) throw error;
      this.#problem = error.message;
    }
  }

  #part(part: FormPart): void {
    if (part.filename === undefined) this.#fields[part.name] = "";
    else if (this.#file !== undefined) throw new MalformedForm("it has two files");
    else this.#file = part;
    this.#parts.push(part);
    this.#text = Buffer.alloc(0);
  }

  #bytes(bytes: Buffer): void {
    const { name = "", filename } = this.#parts.at(-1) ?? {};
    if (filename !== undefined) {
      this.#md5.update(bytes);
      this.#out.push(bytes);
      return;
    }
    this.#text = Buffer.concat([this.#text, bytes]);
    if (this.#text.length > longestField) throw new MalformedForm("a field is longer than any device takes");
    this.#fields[name] = this.#text.toString();
  }
}

/** A part as its head names it. */
function partOf([disposition = "", type, ...more]: readonly string[]): FormPart {
  const found = /^Content-Disposition: form-data; name="([^"\r\n]*)"(?:; filename="([^"\r\n]*)")?$/.exec(disposition);
  if (found === null) throw new MalformedForm("a part does not begin with its Content-Disposition");
  const contentType = type === undefined ? undefined : /^Content-Type: (\S+)$/.exec(type)?.[1];
  if (more.length > 0 || (type !== undefined && contentType === undefined))
    throw new MalformedForm("a part has an unknown header");
  const [, name = "", filename] = found;
  return { name, ...(filename !== undefined && { filename }), ...(contentType !== undefined && { contentType }) };
}
