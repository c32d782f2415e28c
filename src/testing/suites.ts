// The contract suites, for authors of adapters and drivers. They are vitest tests: install vitest (and fast-check).
export {
  type DeliverySuiteOptions,
  type Rig,
  type RigFault,
  type RigPurpose,
  type RigReception,
  testDelivery,
} from "../delivery/delivery.suite.ts";
export {
  type OpenOptions,
  type RegistryDriver,
  testArtifactStore,
  testDeviceRegistry,
  testProfileRegistry,
  testRegistry,
  testReportStore,
} from "../registry/registry.suite.ts";
