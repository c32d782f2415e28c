import { describe, expect, it } from "vitest";
import { openArtifact } from "../../bytes/index.ts";
import { type Credentials, Secret } from "../../core/credentials.ts";
import type { SendStep } from "../../core/delivery.ts";
import { FlashwaveError } from "../../core/errors.ts";
import type { Receipt } from "../../core/outcome.ts";
import type { ExchangeReply, ExchangeRequest, Transport } from "../../core/transport.ts";
import { createVirtualClock } from "../../testing/virtual-clock.ts";
import { type RedfishOptions, redfish } from "./index.ts";

interface Told {
  readonly status?: number;
  readonly json?: object;
  readonly headers?: Readonly<Record<string, string>>;
}
/** What a service answers to a method and path. `hangs`: nothing, until the caller's signal aborts, or for ever. */
type Service = (asked: string, request: ExchangeRequest) => Told | "hangs" | FlashwaveError;

const origin = "https://10.0.0.1";
const inventory = "/redfish/v1/UpdateService/FirmwareInventory";
const places: Readonly<Record<string, Told>> = {
  "GET /redfish/v1/": {
    json: {
      UpdateService: { "@odata.id": "/redfish/v1/UpdateService" },
      Links: { Sessions: { "@odata.id": "/redfish/v1/Sessions" } },
    },
  },
  "POST /redfish/v1/Sessions": {
    status: 201,
    headers: { "x-auth-token": "t", location: "/redfish/v1/Sessions/1" },
  },
  "DELETE /redfish/v1/Sessions/1": { status: 204 },
  "GET /redfish/v1/UpdateService": {
    json: { HttpPushUri: "/push", FirmwareInventory: { "@odata.id": inventory } },
  },
};

const lost = new FlashwaveError("connection_lost", "It was lost.", { phase: "send", bytesOut: "all" });

/** One device on a transport without a wire, with a login, and all that it was asked. */
function rig(service: Service, options?: RedfishOptions) {
  const asked: string[] = [];
  const clock = createVirtualClock({ auto: true });
  const exchange = (_: string, request: ExchangeRequest, read = (reply: ExchangeReply): unknown => reply) =>
    new Promise((resolve, reject) => {
      const { method, path, signal } = request;
      asked.push(`${method} ${path}`);
      const told = service(`${method} ${path}`, request);
      if (told instanceof FlashwaveError) return reject(told);
      if (told === "hangs") {
        const stop = () => reject(new FlashwaveError("aborted", "It was aborted.", { phase: "send" }));
        signal?.addEventListener("abort", stop, { once: true });
        return;
      }
      const { status = 200, json, headers = {} } = told;
      const body = json === undefined ? new Uint8Array() : Buffer.from(JSON.stringify(json));
      const fields = new Map(Object.entries(headers));
      resolve(read({ status, headers: fields, body, sent: "all", peer: "tls" }));
    });
  const transport = { exchange, origin: () => origin } as unknown as Transport;
  const credentials = async (): Promise<Credentials> => ({ username: "root", password: new Secret("s3cret") });
  const context = { transport, origin, clock, credentials };
  const delivery = redfish(options);
  const device = { id: "bmc", address: origin };
  const step = (changes: Partial<SendStep> = {}): SendStep => ({
    ...{ deadline: 60_000, pushId: "p", attemptId: "a" },
    ...changes,
  });
  return {
    ...{ asked, clock, step },
    session: delivery.bind(device, context),
    probe: delivery.prober?.bind(device, context),
  };
}

const usual: Service = (asked) => places[asked] ?? { status: 404 };
const failure = (work: Promise<unknown> | undefined) =>
  work?.then(
    () => undefined,
    (error: unknown) => error,
  );

describe("a session", () => {
  it("does not hold up a caller who left while the service answered nothing", async () => {
    const { session, probe, step, asked } = rig((asked, request) => {
      const hangs = asked === "GET /redfish/v1/UpdateService" || asked.startsWith("DELETE");
      return hangs ? "hangs" : usual(asked, request);
    });
    await using artifact = await openArtifact(Buffer.from("image"), { version: "2" });
    const controller = new AbortController();
    const { signal } = controller;
    const sending = failure(session.send(artifact.payload, step({ signal })));
    const reading = failure(probe?.inspect(step({ signal })));
    while (asked.filter((one) => one === "GET /redfish/v1/UpdateService").length < 2) await Promise.resolve();
    controller.abort();
    // It is told all the same, but its answer never comes.
    await session.close?.();
    expect([await sending, await reading]).toMatchObject([{ code: "aborted" }, { code: "aborted" }]);
    expect(asked.filter((one) => one === "DELETE /redfish/v1/Sessions/1")).toHaveLength(2);
  });

  it("follows nothing that an earlier attempt began when its own answer was lost", async () => {
    let pushes = 0;
    const { session, step, asked } = rig((asked, request) => {
      if (asked !== "POST /push") return usual(asked, request);
      return pushes++ === 0 ? { status: 202, headers: { location: "/monitor" } } : lost;
    });
    await using artifact = await openArtifact(Buffer.from("image"), { version: "2" });
    const { remoteId } = await session.send(artifact.payload, step());
    expect(remoteId).toBe("/monitor");
    expect(await failure(session.send(artifact.payload, step()))).toMatchObject({ code: "connection_lost" });
    expect(await session.settle?.({} as Receipt, step())).toBe("lost");
    expect(asked).not.toContain("GET /monitor");
  });
});

describe("a read", () => {
  it("turns 16 pages of an inventory and no more", async () => {
    const { probe, step, asked } = rig((asked, request) => {
      if (!asked.startsWith(`GET ${inventory}`)) return usual(asked, request);
      const page = Number(asked.split("=")[1] ?? 0);
      return { json: { Members: [], "Members@odata.nextLink": `${inventory}?skip=${page + 1}` } };
    });
    expect(await failure(probe?.inspect(step()))).toMatchObject({
      code: "unreadable_state",
      message: expect.stringContaining("over 16 pages"),
    });
    expect(asked.filter((one) => one.startsWith(`GET ${inventory}`))).toHaveLength(16);
  });

  it.each(["StandbyOffline", "Updating", "Disabled"])(
    "does not take a member that is %s for what runs",
    async (State) => {
      const member = `${inventory}/BMC`;
      const { probe, step } = rig((asked, request) => {
        if (asked === `GET ${inventory}`) return { json: { Members: [{ "@odata.id": member }] } };
        return asked === `GET ${member}` ? { json: { Version: "2", Status: { State } } } : usual(asked, request);
      });
      expect(await failure(probe?.inspect(step()))).toMatchObject({
        code: "unreadable_state",
        message: expect.stringContaining("not in use now"),
      });
    },
  );
});
