import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type * as MemoryRegistry from "../../src/registry/memory/index.ts";
import type { Context, Runner } from "../types.ts";
import { devicesOf, load } from "./flashwave.ts";
import { noise, pumpPromises } from "./shared.ts";

const registered = 1_000;

/** The same pushes with the device in hand, or named by id and spoken to as its registry's profiles say. */
export async function prepare({ parameters, port, root }: Context): Promise<Runner> {
  const product = await load(root);
  const door = pathToFileURL(join(root, "src/registry/memory/index.ts")).href;
  const { createMemoryRegistry } = (await import(door)) as typeof MemoryRegistry;
  const registry = createMemoryRegistry();
  await fill(registry, port);
  const client = product.createClient({ registry, addressPolicy: { permit: ["127.0.0.0/8"] } });
  const artifact = await product.openArtifact(noise(parameters.bytes ?? 0), {
    name: "pos-2.4.0.bin",
    version: "2.4.0",
  });
  const devices = devicesOf(parameters.devices, port);
  const ref = (index: number) => (parameters.variant === "id" ? devices.at(index).id : devices.at(index));
  return {
    run: (ops) => pumpPromises(parameters.inFlight, ops, (index) => client.push(ref(index), artifact)),
    close: async () => {
      await client.close();
      await registry[Symbol.asyncDispose]();
    },
  };
}

/** A base profile, an override for the fleet and one for the group; every device is in the group. */
async function fill(registry: ReturnType<typeof MemoryRegistry.createMemoryRegistry>, port: number): Promise<void> {
  const profiles = await registry.profiles.put([
    { id: "pos", name: "Terminals", requests: { send: { method: "POST", path: "/update" } } },
    {
      id: "pos-fleet",
      name: "This fleet's terminals",
      parent: "pos",
      items: [{ purpose: "send", kind: "header", name: "x-fleet", value: "north" }],
    },
    { id: "pos-shop", name: "Terminals in shops", parent: "pos-fleet", scope: "group", group: "shops", requests: {} },
  ]);
  const devices = devicesOf(registered, port);
  const rows = Array.from({ length: registered }, (_, i) => ({ ...devices.at(i), group: "shops", profileId: "pos" }));
  const results = await registry.devices.put(rows);
  const bad = [...profiles, ...results].find(({ result }) => result !== "created");
  if (bad !== undefined) throw new Error(`The registry took ${bad.id} for ${bad.result}.`);
}
