// What users' own tests need: devices to push to, and a clock to hold still. No test runner is needed for these; the
// contract suites, which need one, are under `flashwave/testing/suites`.
export * from "../../mocks/index.ts";
export { createVirtualClock, type VirtualClock, type VirtualClockOptions } from "./virtual-clock.ts";
