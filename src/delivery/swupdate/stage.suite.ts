// What every test of this adapter needs: a client, a device as it is named to it, an image, and what the device was asked.
import { makeFirmware, type SwupdateDevice } from "../../../mocks/index.ts";
import {
  type Artifact,
  type Client,
  type ClientOptions,
  createClient,
  type Device,
  openArtifact,
} from "../../index.ts";
import { httpProbe } from "../http/index.ts";
import { type SwupdateOptions, swupdate } from "./index.ts";

const probers = [httpProbe({ health: false })];
export const clientFor = (options: SwupdateOptions = {}, more: ClientOptions = {}): Client =>
  createClient({
    deliveries: [swupdate(options)],
    probers,
    addressPolicy: { permit: ["127.0.0.0/8"] },
    retry: { base: 5, cap: 20, busyBase: 5, quietPeriod: 20 },
    verification: { stableFor: 10, deadline: 2_000 },
    ...more,
  });
export const readable = ({ url }: { readonly url: string }): Device => ({ id: "b1", address: url, probe: "http" });
export const unread = ({ url }: { readonly url: string }): Device => ({ id: "b1", address: url });
export const firmware = (): Promise<Artifact> =>
  openArtifact(makeFirmware({ version: "2.0.0", length: 300_000 }), { version: "2.0.0" });

type Requests = ReturnType<SwupdateDevice["control"]["requests"]>;
export const uploads = (device: SwupdateDevice): Requests =>
  device.control.requests().filter(({ endpoint }) => endpoint === "update");
export const restarts = (device: SwupdateDevice): Requests =>
  device.control.requests().filter(({ endpoint }) => endpoint === "activate");
