export type * from "./artifact.ts";
export { type Clock, type Random, systemClock } from "./clock.ts";
export { type Credentials, type DeviceCredentials, Secret, type SecretReference } from "./credentials.ts";
export type * from "./delivery.ts";
export type * from "./device.ts";
export {
  type BytesOut,
  type ErrorReply,
  errorCodes,
  FlashwaveError,
  type FlashwaveErrorCode,
  type FlashwaveErrorContext,
  isFlashwaveError,
  type Phase,
} from "./errors.ts";
export type * from "./events.ts";
export type * from "./outcome.ts";
export type * from "./payload.ts";
export {
  type DeliveryOptions,
  type InspectRequest,
  type Profile,
  type ProfileRequest,
  type Purpose,
  purposes,
  type ReadRequest,
} from "./profile.ts";
export type * from "./publication.ts";
export type * from "./record.ts";
export type * from "./registry.ts";
export type * from "./transport.ts";
export { exact, semver, type VersionScheme } from "./versions.ts";
