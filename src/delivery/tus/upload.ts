import { Buffer } from "node:buffer";
import { blockSize } from "../../bytes/index.ts";
import type { SendStep } from "../../core/delivery.ts";
import { type BytesOut, FlashwaveError } from "../../core/errors.ts";
import type { Acknowledgement } from "../../core/outcome.ts";
import type { Payload } from "../../core/payload.ts";
import type { ExchangeReply } from "../../core/transport.ts";
import { readLocation } from "./location.ts";
import { endOfPart, metadataOf, readSize, type Server } from "./protocol.ts";
import type { Message, Talk } from "./talk.ts";

const offsetStream = ["content-type", "application/offset+octet-stream"] as const;

/** Where a checksum decides over a part, a cut costs the whole of it. */
const checkedPart = 4_194_304;
/** How often one send asks anew after a 409. */
const mostConflicts = 3;

/**
 * One send of one artifact, as one upload.
 *
 *     begin ─POST─► path, offset ─┐          ┌─ 204, the offset expected ─► next part, or acknowledged
 *     goOn ──HEAD─► offset ───────┴─► PATCH ─┼─ 409 ─► HEAD ─► go on where the server is, if that is elsewhere
 *                                            └─ anything else: an error, which says how much had left
 */
export class Upload {
  readonly #talk: Talk;
  readonly #server: Server;
  readonly #payload: Payload;
  readonly #step: SendStep;
  readonly #length: number;
  readonly #partBytes: number;
  readonly #checksum: Server["checksum"];
  #path = "";
  /** What the server has confirmed. */
  #offset = 0;
  /** Where the bytes end that went along with the creation. */
  #firstEnd = 0;
  /** Whether a byte of the artifact has left in this send. */
  #begun = false;

  constructor(talk: Talk, server: Server, payload: Payload, step: SendStep) {
    const { chunkBytes, checksum } = talk.plan.settings;
    this.#talk = talk;
    this.#server = server;
    this.#payload = payload;
    this.#step = step;
    this.#length = payload.artifact.length;
    this.#checksum = checksum ? server.checksum : undefined;
    this.#partBytes = chunkBytes === 0 && this.#checksum !== undefined ? checkedPart : chunkBytes;
  }

  /** A new upload. */
  async begin(): Promise<Acknowledgement> {
    this.#requireRoom();
    const reply = await this.#create();
    const location = reply.headers.get("location");
    if (location === undefined) return this.#acknowledgedAtOnce(reply);
    this.#path = this.#placed(location, reply);
    if (this.#begun) this.#offset = readSize(reply.headers.get("upload-offset")) ?? (await this.#ask());
    if (this.#offset > this.#firstEnd) throw this.#beyond(reply);
    if (this.#offset === this.#length) return this.#acknowledged(reply.status);
    await this.#keep();
    return this.#send();
  }

  /** An upload that a token names. */
  async goOn(path: string): Promise<Acknowledgement> {
    this.#path = path;
    this.#offset = await this.#ask();
    // The answer to its last byte was lost: "Upload-Offset" says what became of it.
    if (this.#offset === this.#length) return this.#acknowledged(200);
    await this.#keep();
    return this.#send();
  }

  async #send(): Promise<Acknowledgement> {
    for (let conflicts = 0; ; ) {
      const from = this.#offset;
      const end = endOfPart(from, this.#length, this.#partBytes, blockSize);
      const reply = await this.#patch(from, end);
      if (reply.status === 409) {
        await this.#negotiate(reply, end, ++conflicts);
      } else {
        this.#talk.requireYes(reply, (out) => this.#out(out, end));
        this.#requireOffset(reply, end);
        this.#offset = end;
      }
      if (this.#offset === this.#length) return this.#acknowledged(reply.status === 409 ? 200 : reply.status);
      await this.#keep();
    }
  }

  async #create(): Promise<ExchangeReply> {
    const { createWithUpload } = this.#talk.plan.settings;
    const along = createWithUpload && this.#server.creationWithUpload && this.#checksum === undefined;
    const end = along ? endOfPart(0, this.#length, this.#partBytes, blockSize) : 0;
    const headers = ["upload-length", String(this.#length), "upload-metadata", this.#metadata()];
    const out = (bytesOut: BytesOut) => (along ? this.#out(bytesOut, end) : "none");
    const { path } = this.#talk.plan.create;
    const message: Message = { method: "POST", path, headers, out };
    const bytes = () => ({
      headers: [...headers, ...offsetStream],
      body: this.#payload.slice(0, end),
      first: { method: "HEAD", path },
      onSent: this.#reporter(0),
    });
    const reply = await this.#talk.say(along ? { ...message, ...bytes() } : message);
    this.#firstEnd = end;
    this.#begun = along;
    this.#talk.requireYes(reply, out);
    return reply;
  }

  async #patch(from: number, end: number): Promise<ExchangeReply> {
    const { artifact } = this.#payload;
    const headers = [...offsetStream, "upload-offset", String(from)];
    if (this.#checksum !== undefined) {
      const range = from === 0 && end === artifact.length ? undefined : { start: from, end };
      const digest = Buffer.from(await this.#payload.hash(this.#checksum, range), "hex").toString("base64");
      headers.push("upload-checksum", `${this.#checksum} ${digest}`);
    }
    const path = this.#path;
    const reply = await this.#talk.say({
      method: "PATCH",
      path,
      headers,
      body: this.#payload.slice(from, end),
      first: { method: "HEAD", path },
      onSent: this.#reporter(from),
      out: (bytesOut) => this.#out(bytesOut, end),
    });
    this.#begun = true;
    return reply;
  }

  /** "If the offsets do not match, the Server MUST respond with the 409 Conflict status without modifying the upload." */
  async #negotiate(reply: ExchangeReply, end: number, conflicts: number): Promise<void> {
    const told = await this.#ask();
    const out = (bytesOut: BytesOut) => this.#out(bytesOut, end);
    // It is where we were, so it was about something else; or it is never where it says.
    if (told === this.#offset || conflicts > mostConflicts) this.#talk.requireYes(reply, out);
    if (told < this.#offset) {
      const message =
        "The device took back bytes that it had confirmed. Nothing more was sent; push without the token.";
      throw this.#talk.fault("unreadable_state", message, reply, out);
    }
    this.#offset = told;
  }

  /** "The new offset MUST be the sum of the offset before the PATCH request and the number of bytes received." */
  #requireOffset(reply: ExchangeReply, end: number): void {
    if (readSize(reply.headers.get("upload-offset")) === end) return;
    const message = `The device answered ${reply.status}, but does not say that it has all bytes that it was sent.`;
    throw this.#talk.fault("device_error", message, reply, (out) => this.#out(out, end), true);
  }

  /** One request was enough. A server whose hook has ended the upload need not say where it was, only that it has all. */
  #acknowledgedAtOnce(reply: ExchangeReply): Acknowledgement {
    if (this.#begun && readSize(reply.headers.get("upload-offset")) === this.#length)
      return { status: reply.status, bytes: this.#length };
    const message = `The device answered ${reply.status} to the creation of an upload, but does not say where it is.`;
    const out = (bytesOut: BytesOut) => (this.#begun ? bytesOut : "none");
    throw this.#talk.fault(this.#begun ? "device_error" : "unsupported", message, reply, out, this.#begun);
  }

  #acknowledged(status: number): Acknowledgement {
    return { status, bytes: this.#length, remoteId: this.#path };
  }

  #placed(location: string, reply: ExchangeReply): string {
    const { context } = this.#talk.bound;
    const found = readLocation(location, context.origin, this.#talk.plan.create.path);
    if ("path" in found) return found.path;
    const out = (bytesOut: BytesOut) => (this.#begun ? bytesOut : "none");
    if ("problem" in found)
      throw this.#talk.fault("invalid_path", `The place that the device named ${found.problem}.`, reply, out);
    const message = `The device placed the upload elsewhere than at ${context.origin}, and it is not followed there. Give its final address, or have its server name its own.`;
    throw this.#talk.fault("redirected", message, reply, out);
  }

  #beyond(reply: ExchangeReply): FlashwaveError {
    const message = "The device claims to have more bytes than it was sent. Read the device before sending again.";
    return this.#talk.fault("device_error", message, reply, (out) => this.#out(out, this.#firstEnd), true);
  }

  #ask(): Promise<number> {
    return this.#talk.offset(this.#path, this.#length, () => (this.#begun ? "some" : "none"));
  }

  async #keep(): Promise<void> {
    const { device, context } = this.#talk.bound;
    const { digest } = this.#payload.artifact;
    await this.#step.onResumable?.({
      delivery: "tus",
      device: device.id,
      origin: context.origin,
      digest,
      length: this.#length,
      offset: this.#offset,
      state: { upload: this.#path },
    });
  }

  /** How much of the artifact has left in this send, when of the part up to `end` so much has. */
  #out(bytesOut: BytesOut, end: number): BytesOut {
    if (bytesOut === "all" && end === this.#length) return "all";
    return bytesOut === "none" && !this.#begun ? "none" : "some";
  }

  #reporter(from: number): ((bytes: number) => void) | undefined {
    const { onSent } = this.#step;
    return onSent && ((bytes) => onSent(from + bytes));
  }

  #requireRoom(): void {
    const { creation, maxSize } = this.#server;
    if (!creation) throw this.#talk.unsupported("does not let clients create uploads (tus extension creation)");
    if (maxSize === undefined || this.#length <= maxSize) return;
    throw new FlashwaveError(
      "artifact_too_large",
      `The device takes uploads of at most ${maxSize} bytes, and the artifact has ${this.#length}. Nothing was sent.`,
      { phase: "send", device: this.#talk.bound.device.id },
    );
  }

  #metadata(): string {
    const { name, version, digest } = this.#payload.artifact;
    const pairs = new Map([["filename", name]]);
    if (version !== "") pairs.set("version", version);
    pairs.set("sha256", digest).set("device", this.#talk.bound.device.id);
    for (const [key, value] of this.#talk.plan.metadata) pairs.set(key, value);
    return metadataOf(pairs);
  }
}
