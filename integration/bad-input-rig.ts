import { afterEach, beforeEach, expect } from "vitest";
import { type DeviceServer, startDeviceServer } from "../mocks/index.ts";
import { type Artifact, type Client, type FlashwaveErrorCode, openArtifact } from "../src/index.ts";
import { failure, fastClient, openDescriptors, settled } from "./kit.ts";

export const version = "2.0.0";
export const bytes: Buffer = Buffer.alloc(300_000, 7);

/** A device that must not be asked anything, and a client that must leave nothing open. */
export interface BadInputRig {
  server: DeviceServer;
  client: Client;
  artifact: Artifact;
}

/** Whatever was wrong: no request reached the device, and no socket and no file stays open. */
export function badInputRig(): BadInputRig {
  const rig = {} as BadInputRig;
  let before: object;
  beforeEach(async () => {
    before = openDescriptors();
    rig.server = await startDeviceServer({ id: "pos-001" });
    rig.client = fastClient();
    rig.artifact = await openArtifact(bytes, { version });
  });
  afterEach(async () => {
    expect(rig.server.device.requests).toEqual([]);
    expect(rig.client.statistics()).toMatchObject({ connections: 0, inFlight: 0 });
    await rig.client.close();
    await rig.artifact[Symbol.asyncDispose]();
    await rig.server.close();
    await settled(openDescriptors, before);
  });
  return rig;
}

/** An error that helps: the code, and a sentence that says more than the code. */
export async function refused(call: () => unknown, code: FlashwaveErrorCode, advice: RegExp): Promise<void> {
  const error = await failure(call);
  expect(error).toMatchObject({ name: "FlashwaveError", code });
  expect(error.message).toMatch(/^\S.{20,}\.$/s);
  expect(error.message).toMatch(advice);
}
