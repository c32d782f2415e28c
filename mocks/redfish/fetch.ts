import { once } from "node:events";
import { get } from "node:http";
import type { SimulatedDevice } from "../device.ts";
import type { Received, SeenRequest } from "../records.ts";

/** Fetches an image as a device does that pulls, by plain http, and notes it as received. Rejects for all but a whole 200. */
export async function fetchImage(uri: string, device: SimulatedDevice): Promise<Received> {
  const { pathname } = new URL(uri);
  const seen: SeenRequest = {
    ...{ method: "GET", path: pathname, httpVersion: "1.1", headers: {}, rawHeaders: [], connection: 0 },
    endpoint: "update",
  };
  const request = get(uri, { agent: false });
  const [reply] = await once(request, "response");
  const reception = device.receive(seen);
  if (reply.statusCode === 200) {
    try {
      for await (const chunk of reply) reception.write(chunk);
      const received = reception.finish(true, () => "staged");
      if (received !== undefined) return received;
    } catch {
      // Cut short: told below.
    }
  }
  request.destroy();
  reception.finish(false, () => "incomplete");
  throw new Error("the image could not be fetched");
}
