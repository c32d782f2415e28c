export { type AdmissionOptions, examineArtifact } from "./admission/index.ts";
export { createClient } from "./client.ts";
export type { Walk } from "./map-concurrent.ts";
export type {
  ClientOptions,
  ClientRegistry,
  DeviceRef,
  InspectOptions,
  PushManyOptions,
  PushOptions,
  UpdateOptions,
  VerifyOptions,
} from "./options.ts";
export type { Client } from "./port.ts";
export type { ArtifactChoice } from "./push-many.ts";
export type { RetryOptions } from "./retry-policy.ts";
export { type ReferencedCredentialsOptions, referencedCredentials } from "./secret-references.ts";
export type { VerificationOptions } from "./verification.ts";
