/**
 * Simulated devices: an independent witness of what was sent to them. Nothing here imports the product, so what they
 * counted, hashed and saw is no echo of what the product believes.
 */

export {
  type Certificate,
  type CertificateAuthority,
  type CertificateOptions,
  createCertificateAuthority,
} from "./certificates.ts";
export type { DeviceControl, DeviceStateSnapshot } from "./control.ts";
export { createSimulatedDevice, SimulatedDevice, type SimulatedDeviceEvents } from "./device.ts";
export type { DeviceReport, SimulatedDeviceOptions, SimulatedHealth, Slot } from "./device-options.ts";
export type { Asked, Dialect, Form, FormPart, Unwrapping } from "./dialect.ts";
export { plainDialect } from "./dialect.ts";
export type { Ending, Fault, FaultKind, FaultMoment, ScriptEntry } from "./faults.ts";
export { FaultQueue } from "./faults.ts";
export {
  type FirmwareFile,
  type FirmwareOptions,
  firmwareChunks,
  makeFirmware,
  sha256,
  writeFirmware,
} from "./firmware.ts";
export { type Fleet, type FleetDevice, type FleetOptions, startFleet } from "./fleet.ts";
export type { ListenerTls } from "./listener.ts";
export { type LoginOptions, withLogin } from "./login.ts";
export { malformedReplies } from "./malformed.ts";
export {
  type Forked,
  type ForkedDevice,
  type ForkedDeviceOptions,
  type ForkedFleet,
  type ForkedFleetOptions,
  type ForkedSink,
  forkDevice,
  forkFleet,
  forkSink,
  type Remote,
} from "./process.ts";
export { type Proxy, type ProxyOptions, startProxy } from "./proxy.ts";
export type { RawEnding, RawStep } from "./raw.ts";
export type { DeviceCounters, Endpoint, Received, RequestHead, SeenRequest } from "./records.ts";
export {
  type RedfishDevice,
  type RedfishDeviceOptions,
  type RedfishFault,
  type RedfishPurpose,
  type RedfishScriptEntry,
  startRedfishDevice,
} from "./redfish/index.ts";
export { defaultPaths, type EndpointPaths } from "./routes.ts";
export { type DeviceServer, type DeviceServerOptions, startDeviceServer } from "./server.ts";
export {
  type Pull,
  type PullFault,
  type PullRequest,
  type Shelly,
  type ShellyDeviceOptions,
  startShellyGen1,
  startShellyGen2,
} from "./shelly/index.ts";
export { type Sink, type SinkCounters, type SinkOptions, startSink } from "./sink.ts";
export {
  type SwupdateDevice,
  type SwupdateDeviceOptions,
  type SwupdatePlay,
  startSwupdate,
} from "./swupdate/index.ts";
export { type ManualTime, manualTime, realTime, type SimulatorClock } from "./time.ts";
export {
  type Behaviour,
  badFrames,
  badOpenings,
  earlyBehaviours,
  type Front,
  type Handshake,
  handshakes,
  lateBehaviours,
  startHandshake,
  startTlsFront,
} from "./torture/index.ts";
export {
  startTusDevice,
  type TusDevice,
  type TusDeviceOptions,
  type TusExtension,
  type UploadRecord,
} from "./tus/index.ts";
export {
  type AxisOptions,
  type EsphomeOptions,
  startAxis,
  startElegantOta,
  startEsphome,
  startMongooseOs,
  startTasmota,
  type TasmotaOptions,
} from "./web-upload/index.ts";
