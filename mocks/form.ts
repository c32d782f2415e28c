/** Each part of a form as it comes: the lines of its head, and then its bytes. What they throw ends the reading. */
export interface FormEvents {
  onPart(head: readonly string[]): void;
  onBytes(chunk: Buffer): void;
}

/** A body that is not multipart/form-data as RFC 2046 §5.1.1 and RFC 7578 have it. */
export class MalformedForm extends Error {}

const lineEnd = Buffer.from("\r\n");
const maximumHead = 8_192;

/** The boundary that a content type names; nothing when it is no form. */
export function boundaryOf(contentType: string | undefined): string | undefined {
  const [, quoted, plain] = /^multipart\/form-data *; *boundary=(?:"([^"\r\n]{1,70})"|([^\s";]{1,70}))$/i.exec(
    contentType ?? "",
  ) ?? [undefined, undefined, undefined];
  return quoted ?? plain;
}

/**
 * Reads a multipart body as it arrives, strictly: no preamble, no epilogue, CRLF alone, a head in every part. Only what
 * may be the beginning of a delimiter is held back.
 */
export class FormReader {
  readonly #events: FormEvents;
  readonly #delimiter: Buffer;
  #at: "start" | "after-delimiter" | "head" | "bytes" | "end" = "start";
  #waiting: Buffer = Buffer.alloc(0);

  constructor(boundary: string, events: FormEvents) {
    this.#delimiter = Buffer.from(`\r\n--${boundary}`, "latin1");
    this.#events = events;
    // The first delimiter has no line before it; with one put there it is like the others.
    this.#waiting = Buffer.from(lineEnd);
  }

  /** @throws MalformedForm */
  write(chunk: Buffer): void {
    this.#waiting = this.#waiting.length === 0 ? chunk : Buffer.concat([this.#waiting, chunk]);
    while (this.#step());
  }

  /** @throws MalformedForm where the closing delimiter has not come */
  end(): void {
    if (this.#at !== "end" || this.#waiting.length > 0) throw new MalformedForm("the form does not end as a form does");
  }

  /** Whether another step may be made of what is here. */
  #step(): boolean {
    switch (this.#at) {
      case "start":
        return this.#start();
      case "after-delimiter":
        return this.#afterDelimiter();
      case "head":
        return this.#head();
      case "bytes":
        return this.#bytes();
      default:
        if (this.#waiting.length > 0) throw new MalformedForm("something follows the closing delimiter");
        return false;
    }
  }

  #start(): boolean {
    const { length } = this.#delimiter;
    if (this.#waiting.length < length) return false;
    if (!this.#waiting.subarray(0, length).equals(this.#delimiter)) {
      throw new MalformedForm("the form does not begin with its boundary");
    }
    return this.#take(length, "after-delimiter");
  }

  #afterDelimiter(): boolean {
    if (this.#waiting.length < 2) return false;
    if (this.#waiting.subarray(0, 2).equals(lineEnd)) return this.#take(2, "head");
    if (this.#waiting.length < 4) return false;
    if (this.#waiting.toString("latin1", 0, 4) !== "--\r\n") throw new MalformedForm("a delimiter is followed by text");
    return this.#take(4, "end");
  }

  #head(): boolean {
    const end = this.#waiting.indexOf("\r\n\r\n");
    if (end === -1) {
      if (this.#waiting.length > maximumHead) throw new MalformedForm("a part's head does not end");
      return false;
    }
    this.#events.onPart(this.#waiting.toString("utf8", 0, end).split("\r\n"));
    return this.#take(end + 4, "bytes");
  }

  #bytes(): boolean {
    const end = this.#waiting.indexOf(this.#delimiter);
    if (end === -1) {
      const safe = this.#waiting.length - this.#delimiter.length + 1;
      if (safe > 0) {
        this.#events.onBytes(this.#waiting.subarray(0, safe));
        this.#waiting = this.#waiting.subarray(safe);
      }
      return false;
    }
    if (end > 0) this.#events.onBytes(this.#waiting.subarray(0, end));
    return this.#take(end + this.#delimiter.length, "after-delimiter");
  }

  #take(count: number, next: "after-delimiter" | "head" | "bytes" | "end"): true {
    this.#waiting = this.#waiting.subarray(count);
    this.#at = next;
    return true;
  }
}
