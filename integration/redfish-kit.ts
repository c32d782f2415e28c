import { expect } from "vitest";
import { makeFirmware, type RedfishDevice, type RedfishDeviceOptions, startRedfishDevice } from "../mocks/index.ts";
import { type RedfishOptions, redfish } from "../src/delivery/redfish/index.ts";
import {
  type ClientEvent,
  type ClientOptions,
  type Credentials,
  type DeviceOutcome,
  openArtifact,
  Secret,
} from "../src/index.ts";
import { contradictions, fastClient } from "./kit.ts";

export const version = "2.0.0";
export const image: Buffer = makeFirmware({ version, length: 300_000 });
export const user: { readonly name: string; readonly password: string } = { name: "root", password: "0penBmc" };
export const credentials: Credentials = { username: user.name, password: new Secret(user.password) };

interface Update {
  readonly bmc: RedfishDevice;
  readonly outcome: DeviceOutcome;
  readonly events: readonly ClientEvent[];
  /** Requests by method and path, those of pushes alone. */
  readonly pushes: readonly string[];
}

export interface Setting {
  readonly device?: RedfishDeviceOptions;
  readonly options?: RedfishOptions;
  readonly client?: ClientOptions;
  readonly id?: string;
  readonly bytes?: Uint8Array;
  readonly before?: (bmc: RedfishDevice) => void;
}

/** One update through the whole client, and what the device then says to it. */
export async function update(setting: Setting = {}): Promise<Update> {
  const { device = {}, options, client: clientOptions, id = "bmc-001", bytes = image, before } = setting;
  await using bmc = await startRedfishDevice(device);
  before?.(bmc);
  const events: ClientEvent[] = [];
  await using client = fastClient({
    deliveries: [redfish(options)],
    onEvent: (event) => events.push(event),
    ...clientOptions,
    verification: { deadline: 1_500, ...clientOptions?.verification },
  });
  await using artifact = await openArtifact(bytes, { version });
  const outcome = await client.update({ id, address: bmc.url }, artifact);
  expect(contradictions(outcome, bmc.device)).toEqual([]);
  expect(JSON.stringify([outcome, events])).not.toContain(user.password);
  return { bmc, outcome, events, pushes: bmc.asked.filter((asked) => /^POST .*\/update/.test(asked)) };
}
