import { createHash } from "node:crypto";
import { FlashwaveError } from "../core/errors.ts";
import { lookThrough, type StoredBytes } from "./stored-payload.ts";

/** Bytes of tables that are remembered: those of 32 GiB of artifacts. */
const mostRemembered = 4_194_304;

/**
 * Which block tables are those of which artifacts.
 *
 * A file and its row are both anybody's to change, and to make match: that every block is what its table says proves
 * nothing by itself. An artifact is named by the SHA-256 of its bytes, so all of them are read before the first may
 * leave. A table that stood this is that artifact's for ever, and the next one to open it need not read.
 */
export class ProvenTables {
  readonly #tables = new Map<string, Uint8Array>();
  #bytes = 0;

  /** A table that was made of bytes which have this digest. */
  add(digest: string, blocks: Uint8Array): void {
    this.#bytes += blocks.byteLength - (this.#tables.get(digest)?.byteLength ?? 0);
    if (this.#bytes > mostRemembered) {
      // Emptied rather than aged: who keeps more than that pays for reading, not for bookkeeping.
      this.#tables.clear();
      this.#bytes = blocks.byteLength;
    }
    this.#tables.set(digest, blocks);
  }

  /**
   * Returns once the table is known to be that of the artifact with this digest.
   * @param enter called before each block; throws to stop
   * @throws `artifact_changed` where the bytes are not the table's, `artifact_digest_mismatch` where both are another's
   */
  async prove(digest: string, stored: StoredBytes, enter: () => void): Promise<void> {
    const known = this.#tables.get(digest);
    if (known !== undefined && Buffer.compare(known, stored.blocks) === 0) return;
    const whole = createHash("sha256");
    await lookThrough(stored, (block) => {
      enter();
      whole.update(block);
    });
    const found = whole.digest("hex");
    if (found !== digest) throw mismatch(found, digest);
    this.add(digest, stored.blocks);
  }
}

function mismatch(found: string, digest: string): FlashwaveError<"artifact_digest_mismatch"> {
  return new FlashwaveError(
    "artifact_digest_mismatch",
    `the artifact's bytes have the SHA-256 ${found}, and are kept as ${digest}; somebody changed both the file and its row: remove the artifact and put it again`,
    { phase: "artifact" },
  );
}
