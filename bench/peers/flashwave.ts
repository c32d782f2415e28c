import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Artifact } from "../../src/core/artifact.ts";
import type { Device } from "../../src/core/device.ts";
import type * as Product from "../../src/index.ts";
import type { Context, Parameters, Runner } from "../types.ts";
import { host, Lazy, noise, pumpPromises } from "./shared.ts";

/** Our front door, from the tree that is measured: a comparison runs these same lines against another checkout. */
export function load(root: string): Promise<typeof Product> {
  return import(pathToFileURL(join(root, "src/index.ts")).href) as Promise<typeof Product>;
}

export function devicesOf(count: number, port: number): Lazy<Device> {
  return new Lazy(count, (index) => ({
    id: `device-${String(index).padStart(6, "0")}`,
    address: `http://${host(index)}:${port}`,
  }));
}

/** `client.push` and `client.inspect` as the README shows them. */
export async function prepare({ parameters, port, file, root }: Context): Promise<Runner> {
  const product = await load(root);
  const devices = devicesOf(parameters.devices, port);
  const client = product.createClient({
    addressPolicy: { permit: ["127.0.0.0/8"] },
    limits: { inFlight: parameters.inFlight, connections: Math.max(4_096, parameters.devices) },
  });
  if (parameters.method === "GET") {
    const inspect = async (index: number): Promise<void> => {
      const state = await client.inspect(devices.at(index));
      if (state.version !== "2.4.0") throw new Error("wrong version");
    };
    return { run: (ops) => pumpPromises(parameters.inFlight, ops, inspect), close: () => client.close() };
  }
  const opened = new Opened(() => open(product, parameters, file));
  if (parameters.variant !== "open in the round") await opened.get();
  return {
    run: async (ops) => {
      const artifact = await opened.get();
      return pumpPromises(parameters.inFlight, ops, (index) => client.push(devices.at(index), artifact));
    },
    close: async () => {
      await client.close();
      await (await opened.get())[Symbol.asyncDispose]();
    },
  };
}

/** An artifact, opened when first asked for. */
class Opened {
  readonly #open: () => Promise<Artifact>;
  #artifact: Promise<Artifact> | undefined;

  constructor(open: () => Promise<Artifact>) {
    this.#open = open;
  }

  get(): Promise<Artifact> {
    this.#artifact ??= this.#open();
    return this.#artifact;
  }
}

function open(product: typeof Product, parameters: Parameters, file: string): Promise<Artifact> {
  const bytes = parameters.bytes ?? 0;
  const options = { name: "pos-2.4.0.bin", version: "2.4.0" };
  switch (parameters.body) {
    case "file":
      return product.openArtifact(file, options);
    case "ring":
      return product.openArtifact(file, { ...options, cacheBytes: 0 });
    default:
      // Ours to give: nobody writes to these bytes any more, so none are copied, whatever their number.
      return product.openArtifact(noise(bytes), { ...options, frozen: true });
  }
}
