import { createHash } from "node:crypto";
import type { SimulatedDevice } from "../device.ts";
import type { Asked, Dialect, Form, Unwrapping } from "../dialect.ts";
import type { Endpoint, Received, RequestHead } from "../records.ts";
import type { Reply } from "../replies.ts";
import { type Answer, defaultPaths, type Effect, endpointOf, answer as plainAnswer } from "../routes.ts";
import type { TusDeviceOptions, TusExtension } from "./options.ts";
import { readMetadata, StoredUpload } from "./uploads.ts";

const all: readonly TusExtension[] = ["creation", "creation-with-upload", "checksum", "expiration", "termination"];
const media = "application/offset+octet-stream";
const nothing: Form = { fields: {}, parts: [], md5: "" };

/** Bytes of one request on their way into an upload, or the reason why they are not taken. */
interface Intake {
  readonly upload: StoredUpload;
  /** Where the upload stood before. */
  readonly start: number;
  readonly refusal?: Answer;
}

/** tus 1.0.0 with its extensions, as its specification has it. What is not tus is plain HTTP. */
export class TusDialect implements Dialect {
  readonly #options: TusDeviceOptions;
  readonly #endpoint: string;
  readonly #uploads = new Map<string, StoredUpload>();
  readonly #gone = new Set<string>();
  readonly #intakes = new WeakMap<RequestHead, Intake>();

  constructor(options: TusDeviceOptions) {
    this.#options = options;
    this.#endpoint = options.endpoint ?? "/files";
  }

  get uploads(): ReadonlyMap<string, StoredUpload> {
    return this.#uploads;
  }

  expire(path: string): void {
    if (this.#uploads.delete(path)) this.#gone.add(path);
  }

  /** What carries bytes of an artifact is an update. */
  endpointOf({ method, path, headers }: RequestHead): Endpoint | "other" {
    if (!this.#ours(path)) {
      const endpoint = endpointOf(path, { ...defaultPaths, ...this.#options.paths });
      return endpoint === "update" ? "other" : endpoint;
    }
    const carries = method === "PATCH" || (method === "POST" && headers["content-type"] === media);
    return carries ? "update" : "other";
  }

  unwrap(head: RequestHead): Unwrapping {
    const intake = this.#intake(head);
    this.#intakes.set(head, intake);
    return {
      write(chunk) {
        if (intake.refusal === undefined) intake.upload.append(chunk);
        return [chunk];
      },
      end: () => nothing,
    };
  }

  answer(device: SimulatedDevice, endpoint: Endpoint | "other", asked: Asked, effect: Effect): Answer {
    const { head } = asked;
    if (!this.#ours(head.path)) return plainAnswer(device, endpoint, asked, effect);
    const answer = this.#reply(device, asked, effect);
    const headers = { "tus-resumable": "1.0.0", ...answer.reply.headers };
    const reply: Reply = { ...answer.reply, headers };
    return { ...answer, reply: this.#options.tamper?.(reply, head) ?? reply };
  }

  #ours(path: string): boolean {
    const [plain = ""] = path.split("?", 1);
    return plain === this.#endpoint || plain.startsWith(`${this.#endpoint}/`);
  }

  #has(extension: TusExtension): boolean {
    return (this.#options.extensions ?? all).includes(extension);
  }

  #reply(device: SimulatedDevice, { head, received }: Asked, effect: Effect): Answer {
    const { method, path, headers } = head;
    if (method === "OPTIONS") return { reply: this.#capabilities() };
    const refusal = this.#versionRefusal(headers["tus-resumable"]);
    if (refusal !== undefined) return refusal;
    if (received !== undefined) return this.#took(device, head, received, effect);
    if (method === "POST" && path.split("?", 1)[0] === this.#endpoint) {
      const made = this.#create(head);
      return "reply" in made ? made : this.#created(made, head, 201);
    }
    const upload = this.#uploads.get(path);
    if (upload === undefined) return this.#unknown(path);
    if (method === "HEAD") {
      const { offset, length } = upload;
      const told = { "upload-offset": String(offset), "upload-length": String(length), "cache-control": "no-store" };
      return { reply: { status: 200, headers: told } };
    }
    if (method !== "DELETE" || !this.#has("termination")) return text(405, "not this method");
    this.expire(path);
    return { reply: { status: 204 } };
  }

  #capabilities(): Reply {
    const { versions = ["1.0.0"], extensions = all, checksums = ["md5", "sha1"], maxSize } = this.#options;
    return {
      status: 204,
      headers: {
        "tus-version": versions.join(","),
        "tus-extension": extensions.join(","),
        ...(this.#has("checksum") && { "tus-checksum-algorithm": checksums.join(",") }),
        ...(maxSize !== undefined && { "tus-max-size": String(maxSize) }),
      },
    };
  }

  /** "If the version specified by the Client is not supported by the Server, it MUST respond with 412." */
  #versionRefusal(asked: string | undefined): Answer | undefined {
    const { versions = ["1.0.0"] } = this.#options;
    if (asked !== undefined && versions.includes(asked)) return undefined;
    return { reply: { status: 412, headers: { "tus-version": versions.join(",") } }, outcome: "refused" };
  }

  #create({ headers }: RequestHead): StoredUpload | Answer {
    const { maxSize = Number.POSITIVE_INFINITY } = this.#options;
    const length = /^\d+$/.test(headers["upload-length"] ?? "") ? Number(headers["upload-length"]) : Number.NaN;
    const metadata = readMetadata(headers["upload-metadata"]);
    if (!this.#has("creation")) return text(405, "uploads are not created here");
    if (Number.isNaN(length) || metadata === undefined) return text(400, "Upload-Length or Upload-Metadata is wrong");
    if (length > maxSize) return text(413, "too large");
    const path = `${this.#endpoint}/${this.#uploads.size + this.#gone.size + 1}`;
    const upload = new StoredUpload(path, length, metadata);
    this.#uploads.set(path, upload);
    return upload;
  }

  #created(upload: StoredUpload, { headers }: RequestHead, status: number): Answer {
    const { location = "absolute" } = this.#options;
    const scheme = this.#options.tls === undefined ? "http" : "https";
    const origin = location === "absolute" ? `${scheme}://${headers["host"]}` : "";
    return { reply: { status, headers: { location: `${origin}${upload.path}`, ...this.#expires() } } };
  }

  #expires(): Record<string, string> {
    return this.#has("expiration") ? { "upload-expires": new Date(Date.now() + 86_400_000).toUTCString() } : {};
  }

  #unknown(path: string): Answer {
    return { ...text(this.#gone.has(path) ? 410 : 404, "there is no such upload"), outcome: "refused" };
  }

  /** Whether bytes that are about to come are taken, and into which upload. */
  #intake(head: RequestHead): Intake {
    const refused = (refusal: Answer, upload = new StoredUpload("", 0, {})): Intake => ({
      upload,
      start: upload.offset,
      refusal: { outcome: "refused", ...refusal },
    });
    const { method, path, headers } = head;
    const version = this.#versionRefusal(headers["tus-resumable"]);
    if (version !== undefined) return refused(version);
    if (method === "POST") {
      const made = this.#has("creation-with-upload") ? this.#create(head) : text(415, "no bytes with a creation");
      return "reply" in made ? refused(made) : { upload: made, start: 0 };
    }
    const upload = this.#uploads.get(path);
    if (upload === undefined) return refused(this.#unknown(path));
    if (headers["content-type"] !== media) return refused(text(415, "not this media type"), upload);
    // As the real server has it: plain text, and no offset.
    if (Number(headers["upload-offset"]) !== upload.offset) return refused(text(409, "Upload-Offset conflict"), upload);
    if (upload.offset + Number(headers["content-length"]) > upload.length)
      return refused(text(413, "too much"), upload);
    return { upload, start: upload.offset };
  }

  #took(device: SimulatedDevice, head: RequestHead, received: Received, effect: Effect): Answer {
    const intake = this.#intakes.get(head);
    if (intake === undefined || intake.refusal !== undefined) return intake?.refusal ?? text(400, "no bytes");
    const { upload, start } = intake;
    const wrong = this.#mismatch(head.headers["upload-checksum"], upload.since(start));
    if (!effect.effect || wrong !== undefined) upload.truncate(start);
    if (wrong !== undefined) return { ...wrong, outcome: "refused" };
    const created = head.method === "POST" ? this.#created(upload, head, 201).reply : { status: 204 };
    const told = { ...created.headers, ...this.#expires(), "upload-offset": String(upload.offset) };
    const reply: Reply = { ...created, headers: told };
    if (!effect.effect || upload.offset < upload.length) return { reply, outcome: "discarded" };
    return this.#finished(device, received, upload, reply, effect);
  }

  #mismatch(checksum: string | undefined, bytes: Buffer): Answer | undefined {
    if (checksum === undefined || !this.#has("checksum")) return undefined;
    const { checksums = ["md5", "sha1"] } = this.#options;
    const [name = "", digest = ""] = checksum.split(" ", 2);
    if (!checksums.some((known) => known === name)) return text(400, "this checksum is not known");
    return createHash(name).update(bytes).digest("base64") === digest ? undefined : text(460, "Checksum Mismatch");
  }

  #finished(device: SimulatedDevice, received: Received, upload: StoredUpload, reply: Reply, effect: Effect): Answer {
    const image = { ...received, ...upload.image() };
    const { version } = upload.metadata;
    const objection = device.objection(image);
    if (objection !== undefined) return { ...text(422, objection), outcome: "refused" };
    device.stage(image, effect.as ?? (image.firmware === undefined && version !== undefined ? { version } : undefined));
    const { finish } = this.#options;
    const { location, ...others } = { location: undefined, ...reply.headers };
    // As the real server has it: a hook's 200 to a creation leaves the Location out.
    const headers = location === undefined || finish?.status === 201 ? { ...reply.headers } : others;
    const told: Reply = finish === undefined ? reply : { ...finish, headers };
    if (device.options.activation === "on-request") return { reply: told, outcome: "staged" };
    const { fallBackAfter } = effect;
    return {
      reply: told,
      outcome: "installed",
      after: () => device.switchOver(fallBackAfter === undefined ? {} : { fallBackAfter }),
    };
  }
}

function text(status: number, body: string): Answer {
  return { reply: { status, body } };
}
