import { basename } from "node:path";
import { types } from "node:util";
import type { Artifact, ArtifactRef } from "../core/artifact.ts";
import { FlashwaveError } from "../core/errors.ts";
import { blobSource } from "./block-source.ts";
import { type ByteStream, isByteStream, streamChunks } from "./byte-stream.ts";
import { fileSource } from "./file-source.ts";
import { type Holding, holdBytes, holdSource } from "./intake.ts";
import { createLifetime } from "./lifetime.ts";
import { defaultName, nameFrom, type OpenArtifactOptions, type OpenSettings, resolveOptions } from "./open-options.ts";
import { pathOf } from "./path.ts";
import { createPayload } from "./payload.ts";
import { holdStream } from "./stream-intake.ts";
import { readVouchers } from "./vouchers.ts";

/**
 * What an artifact can be opened from: a path, a `file:` URL, bytes, a Blob, a stream, or a function that makes a
 * stream.
 */
export type ArtifactSource = string | URL | Uint8Array | Blob | ByteStream | (() => ByteStream | Promise<ByteStream>);

/**
 * Opens an artifact: reads it once, computes its SHA-256 and makes it safe to send to any number of devices at once.
 *
 * Up to `cacheBytes`, and while the shared budget lasts, the bytes are loaded into private memory. Beyond that every
 * send reads them anew, and each block of 256 KiB is checked against a table made now *before* it leaves: bytes that
 * changed since are never sent (`artifact_changed`). A `Uint8Array` is copied or, where it does not fit, checked in the
 * same way, unless it is `frozen`. A stream is read to its end now, also one that a function makes (it is called once);
 * what does not fit into memory goes to a temporary file.
 *
 * Nothing is held open between sends. Dispose the artifact when every push of it has settled: sends still in motion
 * fail with `artifact_disposed` at their next block.
 *
 * @throws `invalid_option`, `aborted`, `artifact_unreadable`, `artifact_empty`, `artifact_digest_mismatch`,
 * `artifact_changed` (while it was read), `artifact_not_replayable`, `spool_failed`
 * @example
 * await using artifact = await openArtifact("pos-2.4.0.bin", { version: "2.4.0" });
 */
export async function openArtifact(source: ArtifactSource, options: OpenArtifactOptions = {}): Promise<Artifact> {
  const settings = resolveOptions(options);
  const { signal } = settings;
  try {
    signal?.throwIfAborted();
    const { name, holding } = await take(source, settings);
    return await admit(name, holding, settings);
  } catch (error) {
    if (!signal?.aborted) throw error;
    throw new FlashwaveError("aborted", "The opening of the artifact was aborted by its signal.", {
      phase: "artifact",
      cause: signal.reason,
    });
  }
}

interface Taken {
  readonly name: string;
  readonly holding: Holding;
}

async function take(source: ArtifactSource, settings: OpenSettings): Promise<Taken> {
  if (typeof source === "string" || source instanceof URL) {
    const path = pathOf(source);
    return { name: nameFrom(basename(path)), holding: await holdSource(await fileSource(path), settings) };
  }
  if (types.isUint8Array(source)) return { name: defaultName, holding: await holdBytes(source, settings) };
  if (source instanceof Blob) {
    const name = source instanceof File ? nameFrom(source.name) : defaultName;
    return { name, holding: await holdSource(blobSource(source), settings) };
  }
  return {
    name: defaultName,
    holding: await holdStream(streamChunks(await streamOf(source, settings), settings.signal), settings),
  };
}

async function streamOf(source: unknown, settings: OpenSettings): Promise<ByteStream> {
  if (typeof source !== "function") {
    if (!isByteStream(source))
      throw invalid("an artifact is opened from a path, a file: URL, bytes, a Blob, a stream or a function");
    if (settings.spool) return source;
    throw new FlashwaveError(
      "artifact_not_replayable",
      "A one-shot stream cannot be sent twice and spooling is off: allow a spool, or pass a function that opens the stream.",
      { phase: "artifact" },
    );
  }
  const stream = await made(source as () => unknown);
  if (isByteStream(stream)) return stream;
  throw invalid("the function did not return a stream of bytes");
}

async function made(open: () => unknown): Promise<unknown> {
  try {
    return await open();
  } catch (cause) {
    throw new FlashwaveError("artifact_unreadable", "The function that opens the stream failed: see the cause.", {
      phase: "artifact",
      cause,
    });
  }
}

/** Lets the bytes in if they are what the caller expects, else gives back whatever they occupy. */
async function admit(name: string, holding: Holding, settings: OpenSettings): Promise<Artifact> {
  const { stored, release, remove } = holding;
  const letGo = async (fault: unknown): Promise<never> => {
    release();
    await remove();
    throw fault;
  };
  const fault = faultOf(stored, settings);
  if (fault) return letGo(fault);
  const vouchers = await readVouchers(settings).catch(letGo);
  const ref = Object.freeze<ArtifactRef>({
    name: settings.name ?? name,
    version: settings.version,
    length: stored.length,
    digest: stored.digest,
    ...(settings.hardware && { hardware: settings.hardware }),
  });
  const lifetime = createLifetime({ disposed: remove, unused: release });
  const payload = createPayload(ref, stored, lifetime);
  return Object.freeze<Artifact>({
    ...ref,
    ...vouchers,
    ref,
    payload,
    [Symbol.asyncDispose]: () => lifetime.dispose(),
  });
}

function faultOf(stored: { length: number; digest: string }, settings: OpenSettings): FlashwaveError | undefined {
  if (stored.length === 0 && !settings.allowEmpty)
    return new FlashwaveError("artifact_empty", "The artifact has no bytes: say allowEmpty if that is meant.", {
      phase: "artifact",
    });
  if (settings.digest === undefined || settings.digest === stored.digest) return undefined;
  return new FlashwaveError(
    "artifact_digest_mismatch",
    `The artifact's SHA-256 is ${stored.digest}, expected was ${settings.digest}: it is another file or was damaged.`,
    { phase: "artifact" },
  );
}

function invalid(what: string): FlashwaveError {
  return new FlashwaveError("invalid_option", `openArtifact: ${what}.`, { phase: "prepare" });
}
