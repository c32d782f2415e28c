import { describe, expect, it } from "vitest";
import type { ExchangeReply, Transport } from "../../core/transport.ts";
import { createVirtualClock } from "../../testing/virtual-clock.ts";
import { Trail } from "./trail.ts";

const work = { origin: "https://10.0.0.1", delivery: "fake", device: {} };

/** A transport whose answers come with these certificates, one after the other. */
function answering(certificates: readonly (string | undefined)[]): Transport {
  let asked = 0;
  const exchange = async (_origin: string, _request: unknown, read?: (reply: ExchangeReply) => unknown) => {
    const certificate = certificates[asked++];
    const reply = { status: 200, ...(certificate !== undefined && { certificate }) } as ExchangeReply;
    return read === undefined ? reply : read(reply);
  };
  return { exchange, statistics: () => ({ opened: 7 }) } as unknown as Transport;
}

describe("the certificates of a trail", () => {
  const watch = async (certificates: readonly (string | undefined)[], origin = work.origin) => {
    const trail = new Trail(createVirtualClock());
    trail.about({ ...work, origin });
    const transport = trail.watching(answering(certificates));
    for (const _ of certificates) await transport.exchange(origin, {} as never);
    return trail.certificates;
  };

  it("are those that answered, each once, in their order", async () => {
    expect(await watch(["A", "A", undefined, "B", "A"])).toEqual(["A", "B"]);
  });

  it("are no more than eight, however often a device changes its own", async () => {
    expect(await watch(Array.from({ length: 50 }, (_, i) => String(i)))).toHaveLength(8);
  });

  it("are not looked for over plain http, where the transport is handed on as it is", async () => {
    const trail = new Trail(createVirtualClock());
    trail.about({ ...work, origin: "http://10.0.0.1" });
    const transport = answering([]);
    expect(trail.watching(transport)).toBe(transport);
  });

  it("do not come between an answer and who reads it", async () => {
    const trail = new Trail(createVirtualClock());
    trail.about(work);
    const transport = trail.watching(answering(["A", "A"]));
    expect(await transport.exchange("", {} as never, ({ status }) => status)).toBe(200);
    expect(await transport.exchange("", {} as never)).toEqual({ status: 200, certificate: "A" });
    expect(transport.statistics()).toMatchObject({ opened: 7 });
    expect(trail.watching(answering([]))).toBe(transport);
  });
});
