import { expect, it } from "vitest";
import {
  type DeviceServer,
  startAxis,
  startDeviceServer,
  startMongooseOs,
  startShellyGen2,
  startSwupdate,
  startTusDevice,
} from "../mocks/index.ts";
import { http, httpProbe } from "../src/delivery/http/index.ts";
import { createArtifactServer } from "../src/delivery/serve/index.ts";
import { shellyGen2 } from "../src/delivery/shelly/index.ts";
import { swupdate } from "../src/delivery/swupdate/index.ts";
import { tus } from "../src/delivery/tus/index.ts";
import { axis, mongooseOs } from "../src/delivery/web-upload/index.ts";
import { type Delivery, openArtifact, type Publisher, Secret } from "../src/index.ts";
import { fastClient } from "./kit.ts";

const challenge = 'Digest realm="CANARY", nonce="CANARY", algorithm=SHA-512-256, qop="auth"';
const fault = { kind: "status", status: 401, headers: { "www-authenticate": challenge } } as const;
const kinds: readonly (readonly [string, () => Promise<DeviceServer>, (publisher: Publisher) => Delivery])[] = [
  ["http", startDeviceServer, () => http()],
  ["tus", startTusDevice, () => tus()],
  ["swupdate", startSwupdate, () => swupdate()],
  ["axis", startAxis, () => axis()],
  ["mongoose-os", startMongooseOs, () => mongooseOs()],
  ["shelly-gen2", startShellyGen2, (publisher) => shellyGen2({ publisher })],
];

it.each(kinds)(
  "%s: a login by an algorithm that is not known is told, and no byte leaves",
  async (kind, start, make) => {
    await using publisher = await createArtifactServer();
    await using server = await start();
    server.script({ on: "any", times: Number.POSITIVE_INFINITY, fault });
    await using client = fastClient({
      deliveries: [make(publisher)],
      probers: [httpProbe({ health: false })],
      credentials: () => ({ username: "admin", password: new Secret("s3cret") }),
    });
    await using artifact = await openArtifact(Buffer.alloc(100_000, 7), { version: "2.0.0" });
    const device = { id: "dev-1", address: server.url, ...(kind === "swupdate" && { probe: "http" }) };
    const refused = { code: "refused", bytesOut: "none", reply: { status: 401 } };
    const error = await client.push(device, artifact).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject(refused);
    expect(String(error)).toMatch(/wants Digest with an algorithm that is not known here.*ask its maker/);
    expect(String(error)).not.toContain("CANARY");
    expect(await client.update(device, artifact)).toMatchObject({ status: "failed", attempts: 0, error: refused });
    expect(server.device.received.filter(({ bytes }) => bytes > 0)).toEqual([]);
    expect(publisher.statistics()).toMatchObject({ publications: 0, requests: 0 });
    server.device.faults.clear();
    expect(await client.inspect(device)).toMatchObject({ version: "1.0.0" });
  },
);
