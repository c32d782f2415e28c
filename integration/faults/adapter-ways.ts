import { expect } from "vitest";
import { createCertificateAuthority, startDeviceServer } from "../../mocks/index.ts";
import type { ClientOptions, Device } from "../../src/index.ts";
import { type AdapterCell, atPort, portOf, pushed, receiptOf, summary, watchedClient } from "./adapter-cell.ts";
import { countDials, nameAt } from "./dials.ts";
import { startGate, type Way } from "./gate.ts";
import { lawOfCell } from "./laws.ts";
import { matrix, type Place } from "./matrix.ts";
import { aftermaths, type Mark } from "./trace.ts";
import { authority, certificate } from "./way.ts";

// What happens before a request: through a push, whose attempts are told, and where it is final through an update, too.

const lawOf = (place: Place): string => matrix.get(place) ?? "";

type Lookup = NonNullable<ClientOptions["lookup"]>;
const unknownName: Lookup = (name, _, callback) =>
  callback(Object.assign(new Error(`getaddrinfo ENOTFOUND ${name}`), { code: "ENOTFOUND" }), []);

/** An address that leads nowhere, at every attempt. */
const nowhere = (
  place: Place,
  name: string,
  addressOf: (gone: string, deaf: number) => string,
  code: string,
  why: string,
): AdapterCell => ({
  place,
  name,
  async run(adapter, { small, deaf }) {
    await using station = await adapter.start();
    const gone = await startDeviceServer();
    await gone.close();
    const device = { ...station.device, address: addressOf(gone.url, deaf) };
    const dials = countDials(portOf(device));
    const trace: Mark[] = [];
    await using client = watchedClient(station, trace, { lookup: unknownName, timeouts: { connect: 300 } });
    const outcome = await pushed(client.push(device, small), device.id, small);
    expect(summary(outcome)).toBe(`failed ${code}`);
    expect(outcome).toMatchObject({ error: { message: expect.stringContaining(why) } });
    expect(aftermaths(trace).map(({ fault, reads }) => [fault.next, reads])).toEqual([
      ["retry", []],
      ["give-up", []],
    ]);
    lawOfCell(lawOf(place), {
      trace,
      outcome,
      receipt: undefined,
      wire: { dials: dials.count, heard: station.asked(), arrived: station.arrived() },
    });
  },
});

/** Every connection is broken until the first attempt has failed; the next one finds the way open. */
const broken = (place: Place, way: Way, code: RegExp): AdapterCell => ({
  place,
  name: way,
  async run(adapter, { small }) {
    await using station = await adapter.start(place.endsWith("TLS") ? certificate : undefined);
    await using gate = await startGate(portOf(station.device), way);
    const dials = countDials(gate.port);
    const trace: Mark[] = [];
    let heard = 0;
    await using client = watchedClient(station, trace, {
      tls: { ca: authority.cert },
      ...(way === "swallow" && { timeouts: { connect: 700 } }),
      onEvent(event) {
        if (event.type !== "attempt-failed") return;
        heard = station.asked();
        void gate.turn("open");
      },
    });
    const device = atPort(station.device, gate.port);
    const outcome = await pushed(client.push(device, small), device.id, small);
    expect([summary(outcome), station.sends()]).toEqual(["sent", 1]);
    const faults = aftermaths(trace).map(({ fault }) => fault.code);
    // What was to fetch meanwhile is given up before the connection over which it was to be told.
    expect(faults).toEqual([
      expect.stringMatching(adapter.pulls && way === "swallow" ? /^(connect_timeout|not_fetched)$/ : code),
    ]);
    expect(gate.lost).toBeGreaterThan(0);
    lawOfCell(lawOf(place), {
      trace,
      outcome,
      receipt: receiptOf(outcome),
      wire: { dials: dials.count, heard, arrived: station.arrived() },
    });
  },
});

const stranger = createCertificateAuthority("another authority");

/** A device that cannot show that it is itself. */
const untrusted = (name: string, code: string, ca: string, own: Partial<Device>): readonly AdapterCell[] =>
  (["push", "update"] as const).map((call) => ({
    place: "bad certificate / pin × TLS",
    name: `${name}, ${call}`,
    async run(adapter, { small }) {
      await using station = await adapter.start(certificate);
      const device = { ...station.device, ...own };
      const dials = countDials(portOf(device));
      const trace: Mark[] = [];
      await using client = watchedClient(station, trace, { tls: { ca } });
      const outcome =
        call === "push"
          ? await pushed(client.push(device, small), device.id, small)
          : await client.update(device, small);
      expect(summary(outcome)).toBe(`failed ${code}`);
      const wire = { dials: dials.count, heard: station.asked(), arrived: station.arrived() };
      expect(wire.dials, "connections tried").toBe(1);
      lawOfCell(lawOf("bad certificate / pin × TLS"), { trace, outcome, receipt: undefined, wire });
    },
  }));

const refused = "refused / DNS / unreachable × connect";

export const ways: readonly AdapterCell[] = [
  nowhere(refused, "nobody listens", (url) => url, "connect_failed", "ECONNREFUSED"),
  nowhere(
    refused,
    "there is no way",
    (url) => url.replace("127.0.0.1", "127.255.255.255"),
    "connect_failed",
    "ENETUNREACH",
  ),
  nowhere(
    refused,
    "its name leads nowhere",
    (url) => url.replace("127.0.0.1", nameAt(Number(new URL(url).port))),
    "connect_failed",
    "ENOTFOUND",
  ),
  nowhere(
    "timeout / blackhole × connect",
    "nobody accepts",
    (_, deaf) => `http://127.0.0.1:${deaf}`,
    "connect_timeout",
    "",
  ),
  // The kernel may have taken the request before the reset was seen.
  broken("RST / FIN × connect", "rst", /^(connect_failed|connection_lost)$/),
  broken("RST / FIN × connect", "fin", /^(connect_failed|connection_lost)$/),
  broken("timeout / blackhole × TLS", "swallow", /^connect_timeout$/),
  broken("RST / FIN × TLS", "rst", /^connect_failed$/),
  broken("RST / FIN × TLS", "fin", /^connect_failed$/),
  ...untrusted("an unknown authority", "tls_failed", stranger.cert, {}),
  ...untrusted("a pin of another key", "pin_mismatch", authority.cert, { pins: [authority.issue().pin] }),
];
