import { describe, expect, it, vi } from "vitest";
import { type Credentials, Secret } from "../core/credentials.ts";
import type { Delivery, DeliveryContext, Prober } from "../core/delivery.ts";
import { isFlashwaveError } from "../core/errors.ts";
import { createClient } from "./client.ts";
import { device, fakeArtifact, fakeDelivery, newState } from "./fakes/index.ts";
import type { ClientOptions } from "./options.ts";

const login: Credentials = { username: "admin", password: new Secret("canary") };

/** A delivery that asks for credentials as often as told, and shows the context it was bound with. */
function asking(times: number): { readonly delivery: Delivery; readonly contexts: DeliveryContext[]; seen: unknown[] } {
  const contexts: DeliveryContext[] = [];
  const seen: unknown[] = [];
  const fake = fakeDelivery({});
  const delivery: Delivery = {
    ...fake,
    bind: (to, context) => {
      contexts.push(context);
      const session = fake.bind(to, context);
      return {
        ...session,
        send: async (payload, step) => {
          for (let time = 0; time < times; time++) seen.push(await context.credentials?.());
          return session.send(payload, step);
        },
      };
    },
  };
  return { delivery, contexts, seen };
}

async function pushed(credentials: ClientOptions["credentials"], signal?: AbortSignal): Promise<unknown> {
  const { delivery, seen } = asking(1);
  await using client = createClient({ ...(credentials && { credentials }) }, [delivery]);
  try {
    await client.push(device, fakeArtifact(), signal && { signal });
    return seen[0];
  } catch (error) {
    if (!isFlashwaveError(error)) throw error;
    expect(`${error.message} ${JSON.stringify(error)}`).not.toContain("canary");
    return { code: error.code, phase: error.phase, device: error.device, bytesOut: error.bytesOut, cause: error.cause };
  }
}

describe("the credentials of a client", () => {
  it("are asked for once a call, with the device, and only by whoever needs them", async () => {
    const ask = vi.fn(async () => login);
    const { delivery, seen } = asking(3);
    await using client = createClient({ credentials: ask }, [delivery]);
    await client.push(device, fakeArtifact());
    await client.push(device, fakeArtifact());
    expect(ask.mock.calls).toEqual([[device], [device]]);
    expect(seen).toEqual(Array.from({ length: 6 }, () => login));
    await using idle = createClient({ credentials: ask }, [asking(0).delivery]);
    await idle.push(device, fakeArtifact());
    expect(ask).toHaveBeenCalledTimes(2);
  });

  it("are the same for the read before a send and the send", async () => {
    const ask = vi.fn(() => login);
    const { delivery, contexts } = asking(1);
    const { prober } = fakeDelivery({ reads: [newState] });
    if (prober === undefined) throw new Error("it has reads");
    const bound: DeliveryContext[] = [];
    const reading: Prober = {
      kind: prober.kind,
      bind: (to, context) => {
        bound.push(context);
        return prober.bind(to, context);
      },
    };
    await using client = createClient({ credentials: ask, verification: { stableFor: 0, newBoot: false } }, [
      { ...delivery, prober: reading },
    ]);
    await client.update(device, fakeArtifact(), { force: true });
    expect(bound[0]).toBe(contexts[0]);
  });

  it("are no business of a client that has none", async () => {
    const { delivery, contexts } = asking(1);
    await using client = createClient({}, [delivery]);
    await client.push(device, fakeArtifact());
    expect(contexts[0]?.credentials).toBeUndefined();
  });

  it("may be none for a device", async () => {
    expect(await pushed(() => undefined)).toBeUndefined();
    expect(await pushed(() => login)).toBe(login);
  });

  it.each([
    "canary",
    { username: "admin", password: "canary" },
    { token: "canary" },
    { token: new Secret("canary"), username: "admin" },
    { password: new Secret("canary") },
    { username: "admin", password: new Secret(7 as unknown as string) },
    {},
    [],
  ])("of another kind are refused before anything is sent (%#)", async (given) => {
    expect(await pushed(() => given as unknown as Credentials)).toMatchObject({
      code: "credentials_failed",
      phase: "prepare",
      device: "d1",
      bytesOut: "none",
    });
  });

  it("that could not be had end the call, with the cause", async () => {
    const cause = new Error("the vault is shut");
    const expected = { code: "credentials_failed", phase: "prepare", device: "d1", bytesOut: "none", cause };
    expect(await pushed(() => Promise.reject(cause))).toMatchObject(expected);
    const thrower = () => {
      throw cause;
    };
    expect(await pushed(thrower)).toMatchObject(expected);
  });

  it("that never come do not outlast the caller's signal, nor the client", async () => {
    const never = () => new Promise<undefined>(() => {});
    const controller = new AbortController();
    const pending = pushed(never, controller.signal);
    controller.abort();
    expect(await pending).toMatchObject({ code: "aborted", phase: "prepare" });
    const client = createClient({ credentials: never }, [asking(1).delivery]);
    const left = client.push(device, fakeArtifact());
    await client.close();
    await expect(left).rejects.toMatchObject({ code: "client_closed" });
  });

  it("must be a function", () => {
    const credentials = login as unknown as NonNullable<ClientOptions["credentials"]>;
    expect(() => createClient({ credentials }, [asking(1).delivery])).toThrow(/credentials must be a function/);
  });
});
