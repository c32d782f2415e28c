import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FlashwaveError } from "../core/errors.ts";
import type { BlockSource } from "./block-source.ts";
import { closeDescriptor, openDescriptor, writeDescriptor } from "./descriptor.ts";
import { fileSource } from "./file-source.ts";

/** A temporary file that is written once, from its start, and read many times. */
export interface Spool {
  /** @throws `spool_failed` */
  write(bytes: Uint8Array): Promise<void>;
  /** Ends the writing. */
  finish(): Promise<BlockSource>;
  /** Closes and deletes, finished or not. Twice does no harm. */
  remove(): Promise<void>;
}

/**
 * @param directory where the spool's own directory is made @default the system's temporary directory
 * @throws `spool_failed`
 */
export async function createSpool(directory: string = tmpdir()): Promise<Spool> {
  // mkdtemp makes an unguessable directory of mode 0700; "wx" refuses anything that stands there already.
  const own = await mkdtemp(join(directory, "flashwave-")).catch(fail);
  const path = join(own, "artifact");
  const descriptor = await openDescriptor(path, "wx", 0o600).catch(async (cause: unknown) => {
    await rm(own, { recursive: true, force: true });
    return fail(cause);
  });
  let open = true;
  const close = async () => {
    if (!open) return;
    open = false;
    await closeDescriptor(descriptor);
  };
  return {
    write: (bytes) => writeDescriptor(descriptor, bytes).catch(fail),
    async finish() {
      await close().catch(fail);
      return fileSource(path);
    },
    async remove() {
      await close().catch(() => undefined); // a write that failed late no longer matters
      await rm(own, { recursive: true, force: true });
    },
  };
}

function fail(cause: unknown): never {
  const code = (cause as { code?: string } | null)?.code ?? "unknown error";
  throw new FlashwaveError(
    "spool_failed",
    `The temporary copy of a stream could not be written (${code}): free space there or name another spool directory.`,
    { phase: "artifact", cause },
  );
}
