export {
  type BlockTable,
  type BlockTableBuilder,
  blockSize,
  createBlockTable,
  type Fingerprint,
} from "./block-table.ts";
export {
  type BlockMemory,
  type BufferPool,
  type BufferPoolOptions,
  type BufferPoolStatistics,
  createBufferPool,
  type Lease,
  sharedMemory,
} from "./buffer-pool.ts";
export type { ByteStream } from "./byte-stream.ts";
export { type CacheBudget, createCacheBudget, sharedCacheBudget } from "./cache-budget.ts";
export { type Multipart, multipart, type Part } from "./multipart.ts";
export { type ArtifactSource, openArtifact } from "./open-artifact.ts";
export type { OpenArtifactOptions } from "./open-options.ts";
export { createProgress, type ProgressMeter, type ProgressOptions } from "./progress.ts";
export { combinePaces, createPace, type PaceOptions } from "./rate-limit.ts";
export { readSignedDocument } from "./vouchers.ts";
