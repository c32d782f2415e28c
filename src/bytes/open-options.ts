import { isSignedDocument, type SignedDocument } from "../core/artifact.ts";
import { FlashwaveError } from "../core/errors.ts";
import type { BlockMemory } from "./buffer-pool.ts";
import { sharedMemory } from "./buffer-pool.ts";
import { type CacheBudget, defaultCacheBytes, sharedCacheBudget } from "./cache-budget.ts";

export interface OpenArtifactOptions {
  /** For people and `Content-Disposition`: 1 to 256 printable characters, no path. @default the file's own name, else `firmware.bin` */
  readonly name?: string;
  /** What a device reports once it runs this artifact, at most 256 printable characters. Without it nothing can be verified by version. */
  readonly version?: string;
  /** The SHA-256 the bytes must have, 64 hexadecimal digits. */
  readonly digest?: string;
  /** Hardware ids this artifact is meant for. */
  readonly hardware?: readonly string[];
  /**
   * The signed manifest to carry: what was read already, or its path, beside which its signatures lie (see
   * `readSignedDocument`). It is judged by the admission policy of a client, not here.
   */
  readonly manifest?: string | URL | SignedDocument;
  /** The minisign signature to carry: the bytes of the `.minisig`, or its path. Judged like a manifest. */
  readonly minisign?: string | URL | Uint8Array;
  /** Whether an artifact may have no bytes. @default false */
  readonly allowEmpty?: boolean;
  /** The caller promises never to write to the `Uint8Array` again: it is shared, not copied, whatever its size. @default false */
  readonly frozen?: boolean;
  /**
   * Whether a stream may be copied to a temporary file: mode 0600 in a fresh directory of its own, under `directory` or
   * the system's, deleted on dispose and on failure. Only what exceeds the cache is written there. Without it a one-shot
   * stream is refused. @default true
   */
  readonly spool?: boolean | { readonly directory: string };
  /** The largest artifact that is kept in memory, in bytes; 0 keeps none. The budget may allow less. @default 67108864 */
  readonly cacheBytes?: number;
  /** What all artifacts in memory share. @default one of 64 MiB per process */
  readonly budget?: CacheBudget;
  /** Where bodies read from files borrow their memory. @default one of 64 MiB per process */
  readonly pool?: BlockMemory;
  /** Ends the opening. It has no say over the artifact once opened. */
  readonly signal?: AbortSignal;
}

/** Options, checked and complete. */
export interface OpenSettings {
  readonly name: string | undefined;
  readonly version: string;
  readonly digest: string | undefined;
  readonly hardware: readonly string[] | undefined;
  readonly manifest: OpenArtifactOptions["manifest"];
  readonly minisign: OpenArtifactOptions["minisign"];
  readonly allowEmpty: boolean;
  readonly frozen: boolean;
  /** Undefined: spooling is off. */
  readonly spool: { readonly directory?: string } | undefined;
  readonly cacheBytes: number;
  readonly budget: CacheBudget;
  readonly pool: BlockMemory;
  readonly signal: AbortSignal | undefined;
}

const longest = 256;
// Controls, invisible format characters (bidi among them), lone surrogates and line separators.
const unprintable = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;
const pathLike = /[/\\]|^\.{1,2}$/;

const names: Readonly<Record<keyof OpenArtifactOptions, true>> = {
  name: true,
  version: true,
  digest: true,
  hardware: true,
  manifest: true,
  minisign: true,
  allowEmpty: true,
  frozen: true,
  spool: true,
  cacheBytes: true,
  budget: true,
  pool: true,
  signal: true,
};

/** @throws `invalid_option`, also for an option nobody knows: a misspelt `digest` must not pass for none */
export function resolveOptions(options: OpenArtifactOptions): OpenSettings {
  if (typeof options !== "object" || options === null) throw invalid("the options must be an object");
  for (const key of Object.keys(options)) {
    if (!Object.hasOwn(names, key)) throw invalid(`there is no option ${JSON.stringify(key)}`);
  }
  const { cacheBytes = defaultCacheBytes, signal } = options;
  if (!Number.isSafeInteger(cacheBytes) || cacheBytes < 0)
    throw invalid("cacheBytes must be a whole number, 0 or more");
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw invalid("signal must be an AbortSignal");
  return Object.freeze<OpenSettings>({
    name: options.name === undefined ? undefined : checkName(options.name),
    version: options.version === undefined ? "" : text("version", options.version, 0),
    digest: checkDigest(options.digest),
    hardware: checkHardware(options.hardware),
    manifest: checkManifest(options.manifest),
    minisign: checkMinisign(options.minisign),
    allowEmpty: flag("allowEmpty", options.allowEmpty),
    frozen: flag("frozen", options.frozen),
    spool: checkSpool(options.spool),
    cacheBytes,
    budget: withMethods("budget", options.budget, ["reserve", "release"]) ?? sharedCacheBudget,
    pool: withMethods("pool", options.pool, ["lease", "tryLease"]) ?? sharedMemory,
    signal,
  });
}

/** A file's own name made fit to be an artifact's. */
export function nameFrom(base: string): string {
  const clean = base.toWellFormed().replace(new RegExp(`${unprintable.source}|[/\\\\]`, "gu"), "_");
  const cut = clean.slice(0, longest).toWellFormed();
  return cut === "" || pathLike.test(cut) ? defaultName : cut;
}

/** For bytes that come without a name. */
export const defaultName = "firmware.bin";

function checkName(name: unknown): string {
  const given = text("name", name, 1);
  if (pathLike.test(given)) throw invalid("name must not be a path");
  return given;
}

function checkDigest(digest: unknown): string | undefined {
  if (digest === undefined) return undefined;
  if (typeof digest !== "string" || !/^[0-9a-f]{64}$/i.test(digest))
    throw invalid("digest must be a SHA-256 of 64 hexadecimal digits");
  return digest.toLowerCase();
}

function checkHardware(hardware: unknown): readonly string[] | undefined {
  if (hardware === undefined) return undefined;
  if (!Array.isArray(hardware) || hardware.length === 0)
    throw invalid("hardware must be a list of ids: leave it out where nothing is stated");
  return Object.freeze(hardware.map((id: unknown) => text("a hardware id", id, 1)));
}

function checkManifest(manifest: OpenArtifactOptions["manifest"]): OpenArtifactOptions["manifest"] {
  if (manifest === undefined || isPath(manifest)) return manifest;
  if (isSignedDocument(manifest)) return copied(manifest);
  throw invalid("manifest must be a path, or { document, signatures } of bytes");
}

function checkMinisign(minisign: OpenArtifactOptions["minisign"]): OpenArtifactOptions["minisign"] {
  if (minisign === undefined || isPath(minisign)) return minisign;
  if (minisign instanceof Uint8Array) return Uint8Array.from(minisign);
  throw invalid("minisign must be a path, or bytes");
}

/** What is judged later is what was given now. */
const copied = ({ document, signatures }: SignedDocument): SignedDocument =>
  Object.freeze({
    document: Uint8Array.from(document),
    signatures: Object.freeze(signatures.map((one) => Uint8Array.from(one))),
  });

/** Text and URLs; whether they are paths is found out by whoever opens them. */
export const isPath = (value: unknown): value is string | URL => typeof value === "string" || value instanceof URL;

function checkSpool(spool: unknown): { readonly directory?: string } | undefined {
  if (spool === undefined || spool === true) return {};
  if (spool === false) return undefined;
  const directory = (spool as { directory?: unknown } | null)?.directory;
  if (typeof directory !== "string" || directory === "" || directory.includes("\0"))
    throw invalid("spool must be true, false or { directory }");
  return { directory };
}

function flag(option: string, value: unknown): boolean {
  if (value === undefined) return false;
  if (typeof value !== "boolean") throw invalid(`${option} must be true or false`);
  return value;
}

function text(option: string, value: unknown, shortest: number): string {
  if (typeof value !== "string" || value.length < shortest || value.length > longest || unprintable.test(value))
    throw invalid(`${option} must be text of ${shortest} to ${longest} printable characters`);
  return value;
}

function withMethods<T extends object>(
  option: string,
  value: T | undefined,
  methods: readonly (keyof T)[],
): T | undefined {
  if (value !== undefined && !methods.every((method) => typeof value?.[method] === "function"))
    throw invalid(`${option} was not made by its factory`);
  return value;
}

function invalid(what: string): FlashwaveError {
  return new FlashwaveError("invalid_option", `openArtifact: ${what}.`, { phase: "prepare" });
}
