import type { SimulatedDevice } from "../device.ts";
import type { Received } from "../records.ts";
import { type PullFault, pull } from "../shelly/pull.ts";

/** Fetches an image as a device does that pulls, and notes it as received; nothing where it did not come whole. */
export async function fetchImage(
  device: SimulatedDevice,
  url: string,
  fault: PullFault | undefined,
  signal: AbortSignal,
): Promise<Received | undefined> {
  const { pathname: path } = new URL(url);
  const headers: Record<string, string> = {};
  const seen = { method: "GET", path, httpVersion: "1.1", endpoint: "update", connection: 0, rawHeaders: [] } as const;
  const reception = device.receive({ ...seen, headers });
  const { outcome } = await pull({
    ...{ url, fault, signal },
    onBytes: (chunk, answered) => {
      if (headers["content-length"] === undefined) Object.assign(headers, answered);
      reception.write(chunk);
    },
  });
  const received = reception.finish(outcome !== "incomplete", () => (outcome === "complete" ? "staged" : "refused"));
  return outcome === "complete" ? received : undefined;
}
