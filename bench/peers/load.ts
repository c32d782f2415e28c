import type { Delivery } from "../../src/core/delivery.ts";
import type { Context, Runner } from "../types.ts";
import { devicesOf, load } from "./flashwave.ts";
import { noise, pumpPromises } from "./shared.ts";

/** A delivery that acknowledges at once: what is left is our own work per device. */
const nothing: Delivery = {
  kind: "nothing",
  bind: () => ({
    traits: {
      resumable: false,
      repeat: "idempotent",
      refusals: new Set<number>(),
      verdict: "reply",
      activates: "itself",
    },
    send: async (payload) => ({ status: 200, bytes: payload.artifact.length }),
    [Symbol.asyncDispose]: async () => undefined,
  }),
};

export async function prepare({ parameters, port, root }: Context): Promise<Runner> {
  const { inFlight } = parameters;
  if (parameters.variant === "bare") {
    return { run: (ops) => pumpPromises(inFlight, ops, async () => undefined), close: () => undefined };
  }
  const product = await load(root);
  const client = product.createClient({
    deliveries: [nothing],
    addressPolicy: { permit: ["127.0.0.0/8"] },
    limits: { inFlight },
  });
  const artifact = await product.openArtifact(noise(parameters.bytes ?? 0), {
    name: "pos-2.4.0.bin",
    version: "2.4.0",
  });
  const devices = devicesOf(parameters.devices, port);
  const fleet = Array.from({ length: parameters.devices }, (_, index) => devices.at(index));
  return {
    run: async (ops) => {
      let sent = 0;
      for await (const outcome of client.pushMany(fleet.slice(0, ops), artifact, {
        concurrency: inFlight,
        verify: false,
      })) {
        if (outcome.status === "sent") sent++;
      }
      if (sent !== ops) throw new Error(`${ops - sent} of ${ops} devices failed.`);
      return undefined;
    },
    close: () => client.close(),
  };
}
