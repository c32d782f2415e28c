import { buildConnector, Client } from "undici";
import { type Pass, ringChunks } from "../../src/bytes/block-ring.ts";
import type { BlockSource } from "../../src/bytes/block-source.ts";
import { type BlockTable, blockSize, createBlockTable } from "../../src/bytes/block-table.ts";
import { type BlockMemory, type BufferPool, createBufferPool, sharedMemory } from "../../src/bytes/buffer-pool.ts";
import { fileSource } from "../../src/bytes/file-source.ts";
import { asReadable } from "../peers/bodies.ts";
import { host, Lazy, pump, withLength } from "../peers/shared.ts";
import { Handler } from "../peers/undici-dispatch.ts";
import type { Context, Runner } from "../types.ts";

/**
 * Our file ring on a bare `Client.dispatch`, so that one of its parts can be taken away: `unchecked` sends blocks as
 * they were read, `no-pool` makes two fresh buffers for each push, `fresh-blocks` one for
 * each mebibyte, `narrow` reads 256 KiB at a time.
 */
export async function prepare({ parameters, port, file }: Context): Promise<Runner> {
  const source = await fileSource(file);
  const table = await tableOf(source);
  const connect = buildConnector({ allowH2: false, autoSelectFamily: false });
  const clients = new Lazy(
    parameters.devices,
    (index) => new Client(`http://${host(index)}:${port}`, { allowH2: false, connect, keepAliveTimeout: 600_000 }),
  );
  const unchecked = parameters.variant === "unchecked" || parameters.variant === "narrow";
  const inspect = (index: number, block: Uint8Array): void => {
    if (!unchecked && !table.check(index, block)) throw new Error("The file changed.");
  };
  const pass = {
    source,
    start: 0,
    end: source.length,
    phase: "send",
    inspect,
    enter: () => () => undefined,
    pool: poolOf(parameters.variant),
  } as const;
  const headers = withLength(source.length) as string[];
  return {
    run: (ops) =>
      pump(parameters.inFlight, ops, (index, done) => {
        const body = asReadable(parameters.variant === "fresh-blocks" ? freshBlocks(pass) : ringChunks(pass));
        clients.at(index).dispatch({ path: "/update", method: "POST", headers, body }, new Handler(false, done));
      }),
    close: async () => void (await Promise.all(clients.made().map((client) => client.destroy()))),
  };
}

/** As much at once as the shared memory's wide buffers hold, so that the pool is all that differs. */
const stretch = 4 * blockSize;

/** One stretch read ahead, as the ring does, each into memory of its own. */
async function* freshBlocks({ source, inspect, phase }: Pass): AsyncGenerator<Uint8Array, void> {
  const reader = await source.open(phase);
  const read = async (at: number): Promise<Buffer> => {
    const block = Buffer.allocUnsafeSlow(Math.min(stretch, source.length - at));
    await reader.read(block, at, "some");
    return block;
  };
  let ahead = read(0);
  for (let at = 0; at < source.length; at += stretch) {
    const bytes = await ahead;
    const next = at + stretch;
    if (next < source.length) ahead = read(next);
    else await reader.close();
    for (let from = 0; from < bytes.length; from += blockSize) {
      inspect((at + from) / blockSize, bytes.subarray(from, from + blockSize), "some");
    }
    yield bytes;
  }
}

async function tableOf(source: BlockSource): Promise<BlockTable> {
  const builder = createBlockTable(source.length);
  const reader = await source.open("artifact");
  const block = Buffer.allocUnsafeSlow(blockSize);
  for (let at = 0; at < source.length; at += blockSize)
    builder.add(block.subarray(0, await reader.read(block, at, "none")));
  await reader.close();
  return builder.finish().table;
}

function poolOf(variant: string | undefined): BlockMemory {
  if (variant === "no-pool") return freshBuffers;
  return variant === "narrow" ? createBufferPool() : sharedMemory;
}

const fresh = () => ({ buffer: Buffer.allocUnsafeSlow(stretch), release: () => undefined });
const nothing = { size: stretch, capacity: 0, allocated: 0, leased: 0, waiting: 0, hits: 0, misses: 0, peak: 0 };

/** What there would be without a pool: new memory per pass, left to the collector. */
const freshBuffers: BufferPool = { size: stretch, lease: fresh, tryLease: fresh, statistics: () => nothing };
