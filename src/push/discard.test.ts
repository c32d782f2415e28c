import { describe, expect, it } from "vitest";
import type { ResumeToken } from "../core/delivery.ts";
import { device, fault, rig, tokenAt } from "./fakes/index.ts";

describe("discard", () => {
  it("hands a token of this device to its delivery, and lets go of the session", async () => {
    const seen: unknown[] = [];
    const session = {
      discard: async (token: ResumeToken) => void seen.push(token),
      close: async () => void seen.push("closed"),
    };
    const { client } = rig({ traits: { resumable: true }, session });
    await client.discard(device, tokenAt(2));
    expect(seen).toEqual([tokenAt(2), "closed"]);
  });

  it("says so where the protocol cannot", async () => {
    const { client, fake } = rig();
    await expect(client.discard(device, tokenAt(2))).rejects.toMatchObject({ code: "unsupported", device: "d1" });
    expect(fake.calls).toEqual(["close"]);
  });

  it("refuses a token of another device before anything is asked", async () => {
    const seen: unknown[] = [];
    const { client } = rig({ session: { discard: async (token) => void seen.push(token) } });
    for (const token of [{ ...tokenAt(2), device: "d2" }, { ...tokenAt(2), origin: "http://10.0.0.9" }, {}, null]) {
      await expect(client.discard(device, token as ResumeToken)).rejects.toMatchObject({ code: "invalid_option" });
    }
    expect(seen).toEqual([]);
  });

  it("tells the device's fault, and leaves the device free for the next call", async () => {
    const session = { discard: () => Promise.reject(fault("refused")) };
    const { client, artifact } = rig({ session });
    await expect(client.discard(device, tokenAt(2))).rejects.toMatchObject({ code: "refused", device: "d1" });
    await expect(client.push(device, artifact)).resolves.toMatchObject({ bytes: 4 });
  });

  it("waits for no send of the same device, nor runs beside it", async () => {
    const sending = Promise.withResolvers<{ status: number; bytes: number }>();
    const { client, artifact } = rig({ sends: [() => sending.promise], session: { discard: async () => {} } });
    const push = client.push(device, artifact);
    await expect(client.discard(device, tokenAt(2))).rejects.toMatchObject({ code: "attempt_in_flight" });
    sending.resolve({ status: 200, bytes: 4 });
    await push;
  });
});
