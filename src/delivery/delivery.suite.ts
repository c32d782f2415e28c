import { describe } from "vitest";
import { testFaults } from "./suite/fault.suite.ts";
import { testFetching } from "./suite/fetch.suite.ts";
import { testProbe } from "./suite/probe.suite.ts";
import type { DeliverySuiteOptions } from "./suite/rig.suite.ts";
import { testSending } from "./suite/send.suite.ts";

export type { DeliverySuiteOptions, Rig, RigFault, RigPurpose, RigReception } from "./suite/rig.suite.ts";

/**
 * The contract of every delivery, as tests on real sockets: right bytes, exact lengths, errors that say how much had
 * left, nothing kept after an end, and a probe that believes no device blindly.
 *
 * An adapter gives a `Rig` (one device of its protocol on loopback that can be told to misbehave) and declares its
 * traits. What its devices cannot show is named in `cannot`, with the reason, and skipped by that reason.
 *
 * @example testDelivery({ name: "http", delivery: () => http(), start: startRig, firmware, traits })
 */
export function testDelivery(options: DeliverySuiteOptions): void {
  describe(`${options.name} as a delivery`, () => {
    testSending(options);
    if (options.pulls) testFetching(options);
    else testFaults(options);
    testProbe(options);
  });
}
