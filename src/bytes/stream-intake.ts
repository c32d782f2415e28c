import { FlashwaveError } from "../core/errors.ts";
import { blockSize, createBlockTable } from "./block-table.ts";
import type { Holding } from "./intake.ts";
import type { OpenSettings } from "./open-options.ts";
import { createSpool, type Spool } from "./spool.ts";
import { storedBehindTable, storedInMemory } from "./stored.ts";

/**
 * Reads a stream once, to its end. Its blocks stay in memory as long as cache and budget allow; the first that does not
 * fit moves all of them to a temporary file.
 */
export async function holdStream(chunks: AsyncIterable<Uint8Array>, settings: OpenSettings): Promise<Holding> {
  const intake = new StreamIntake(settings);
  try {
    let block: Buffer = Buffer.allocUnsafeSlow(blockSize);
    let filled = 0;
    for await (const chunk of chunks) {
      for (let taken = 0; taken < chunk.length; ) {
        const part = chunk.subarray(taken, taken + blockSize - filled);
        block.set(part, filled);
        taken += part.length;
        filled += part.length;
        if (filled < blockSize) break;
        block = await intake.add(block);
        filled = 0;
      }
    }
    if (filled > 0) await intake.add(Buffer.from(block.subarray(0, filled)));
    return await intake.finish();
  } catch (error) {
    await intake.discard();
    throw error;
  }
}

class StreamIntake {
  readonly #settings: OpenSettings;
  readonly #table = createBlockTable();
  #kept: Buffer[] = [];
  #reserved = 0;
  #spool: Spool | undefined;

  constructor(settings: OpenSettings) {
    this.#settings = settings;
  }

  /** Takes a block and returns one to fill: the same where its bytes have gone to the file. */
  async add(block: Buffer): Promise<Buffer> {
    this.#table.add(block);
    if (!this.#spool && this.#reserve(block.length)) {
      this.#kept.push(block);
      return Buffer.allocUnsafeSlow(blockSize);
    }
    this.#spool ??= await this.#spill();
    await this.#spool.write(block);
    return block;
  }

  async finish(): Promise<Holding> {
    const print = this.#table.finish();
    const spool = this.#spool;
    if (spool) {
      const stored = storedBehindTable(await spool.finish(), print, this.#settings.pool);
      return { stored, release: () => undefined, remove: () => spool.remove() };
    }
    const stored = storedInMemory(this.#kept, print.length, print.digest);
    return { stored, release: () => this.#release(), remove: async () => undefined };
  }

  async discard(): Promise<void> {
    this.#release();
    await this.#spool?.remove();
  }

  #reserve(bytes: number): boolean {
    const { budget, cacheBytes } = this.#settings;
    if (this.#reserved + bytes > cacheBytes || !budget.reserve(bytes)) return false;
    this.#reserved += bytes;
    return true;
  }

  #release(): void {
    this.#settings.budget.release(this.#reserved);
    this.#reserved = 0;
  }

  async #spill(): Promise<Spool> {
    const { spool: where } = this.#settings;
    if (!where)
      throw new FlashwaveError(
        "artifact_not_replayable",
        "The stream does not fit into the cache and spooling is off: allow a spool, a larger cache, or pass a file.",
        { phase: "artifact" },
      );
    const spool = await createSpool(where.directory);
    // Known from here on, so that a failure deletes it.
    this.#spool = spool;
    for (const block of this.#kept) await spool.write(block);
    this.#kept = [];
    this.#release();
    return spool;
  }
}
