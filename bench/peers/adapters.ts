import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Delivery } from "../../src/core/delivery.ts";
import type * as Serve from "../../src/delivery/serve/index.ts";
import type { Context, Runner } from "../types.ts";
import { devicesOf, load } from "./flashwave.ts";
import { noise, pumpPromises } from "./shared.ts";

/** Folder and factory of each adapter, and what its simulated device is asked for. */
const adapters: Readonly<Record<string, readonly [folder: string, factory: string, options?: object]>> = {
  http: ["http", "http"],
  tus: ["tus", "tus"],
  swupdate: ["swupdate", "swupdate"],
  redfish: ["redfish", "redfish"],
  "web upload": ["web-upload", "esphome", { send: { path: "/u" } }],
  shelly: ["shelly", "shellyGen1"],
};

/** `client.push` through one adapter; `variant` names it. The artifact is kept in memory. */
export async function prepare({ parameters, port, file, root }: Context): Promise<Runner> {
  const [folder, factory, options] = adapters[parameters.variant ?? ""] ?? [];
  if (folder === undefined || factory === undefined) throw new Error("No such adapter.");
  const product = await load(root);
  const room = (await import(pathToFileURL(join(root, "src/delivery", folder, "index.ts")).href)) as Readonly<
    Record<string, (options?: object) => Delivery>
  >;
  const { createArtifactServer } = (await import(
    pathToFileURL(join(root, "src/delivery/serve/index.ts")).href
  )) as typeof Serve;
  const publisher = await createArtifactServer();
  const delivery = room[factory]?.(factory === "shellyGen1" ? { publisher } : options);
  if (delivery === undefined) throw new Error("No such factory.");
  const devices = devicesOf(parameters.devices, port);
  const client = product.createClient({ deliveries: [delivery], addressPolicy: { permit: ["127.0.0.0/8"] } });
  const artifact =
    parameters.body === "file"
      ? await product.openArtifact(file, { name: "firmware.bin", version: "2.4.0" })
      : await product.openArtifact(noise(parameters.bytes ?? 0), { name: "firmware.bin", frozen: true });
  return {
    run: (ops) => pumpPromises(parameters.inFlight, ops, (index) => client.push(devices.at(index), artifact)),
    close: async () => {
      await client.close();
      await publisher[Symbol.asyncDispose]();
    },
  };
}
