import { describe } from "vitest";
import { testArtifactStore } from "./artifacts.suite.ts";
import { testDeviceDoor } from "./device-door.suite.ts";
import { testDeviceFeed } from "./device-feed.suite.ts";
import { testDeviceFilters } from "./device-filters.suite.ts";
import { testDeviceModel } from "./device-model.suite.ts";
import { testDevicePages } from "./device-pages.suite.ts";
import { testDeviceRows } from "./devices.suite.ts";
import { testDoors } from "./doors.suite.ts";
import type { RegistryDriver } from "./driver.suite.ts";
import { testLifecycle } from "./lifecycle.suite.ts";
import { testObservations } from "./observations.suite.ts";
import { testProfileTrees } from "./profile-trees.suite.ts";
import { testProfileRows } from "./profiles.suite.ts";
import { testReportStore } from "./reports.suite.ts";
import { testResolution } from "./resolution.suite.ts";
import { testResolutionHistory } from "./resolution-history.suite.ts";
import { testResolutionModel } from "./resolution-model.suite.ts";

export { testArtifactStore } from "./artifacts.suite.ts";
export type { OpenOptions, RegistryDriver } from "./driver.suite.ts";
export { testReportStore } from "./reports.suite.ts";

/** Devices: rows, observations, filters, pages and the feed. */
export function testDeviceRegistry(driver: RegistryDriver): void {
  describe(`device registry: ${driver.driver}`, () => {
    testDeviceRows(driver);
    testDeviceDoor(driver);
    testObservations(driver);
    testDeviceFilters(driver);
    testDevicePages(driver);
    testDeviceFeed(driver);
    testDeviceModel(driver);
  });
}

/** Profiles: rows, overrides and what they resolve to. */
export function testProfileRegistry(driver: RegistryDriver): void {
  describe(`profile registry: ${driver.driver}`, () => {
    testProfileRows(driver);
    testProfileTrees(driver);
    testResolution(driver);
    testResolutionHistory(driver);
    testResolutionModel(driver);
  });
}

/**
 * All that a driver owes, by vitest: call it in a test file.
 *
 * @example
 * testRegistry({ driver: "memory", open: async (options) => createMemoryRegistry(options), reopen: "nothing is kept" });
 */
export function testRegistry(driver: RegistryDriver): void {
  testDeviceRegistry(driver);
  testProfileRegistry(driver);
  testArtifactStore(driver);
  testReportStore(driver);
  describe(`registry: ${driver.driver}`, () => {
    testLifecycle(driver);
    describe("every call", () => testDoors(driver));
  });
}
