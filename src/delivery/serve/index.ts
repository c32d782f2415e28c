export type { ArtifactServerOptions } from "./options.ts";
export { type ArtifactServer, type ArtifactServerStatistics, createArtifactServer } from "./server.ts";
