import { expect } from "vitest";
import { createCertificateAuthority, type RawEnding } from "../../mocks/index.ts";
import type { Device } from "../../src/index.ts";
import type { Adapter, Station } from "../adapters.ts";
import {
  type AdapterCell,
  atPort,
  old,
  portOf,
  type Rig,
  receiptOf,
  reply,
  rightBytes,
  summary,
  version,
  watchedClient,
} from "./adapter-cell.ts";
import { countDials } from "./dials.ts";
import { type Gate, startGate } from "./gate.ts";
import { lawOfCell } from "./laws.ts";
import { matrix, type Place } from "./matrix.ts";
import type { Mark } from "./trace.ts";
import { authority, certificate } from "./way.ts";

// What is read once an update was acknowledged: from then on nothing may be sent again, whatever comes.

interface Scene {
  readonly station: Station;
  readonly gate: Gate;
}

interface Read {
  readonly place: Place;
  readonly name: string;
  /** `updated`, or the status and the error's code. */
  readonly outcome: string;
  readonly before?: (station: Station) => void;
  /** In the turn in which the send was acknowledged. */
  readonly sent?: (scene: Scene) => void;
  /** When that many reads have failed. */
  readonly unread?: (scene: Scene, reads: number) => void;
  /** The device speaks https, and is known by what this says. */
  readonly known?: Partial<Device>;
  /** The device is known by the name that a read tells. */
  readonly named?: true;
}

const forever = Number.POSITIVE_INFINITY;
const answered = (place: Place, outcome: string, text: string, ending: RawEnding): Read => ({
  ...{ place, outcome, name: text === "" ? ending : text.slice(0, 12) },
  sent: ({ station }) =>
    station.fault("read", { kind: "raw", steps: text === "" ? [] : [{ write: text }], ending }, forever),
});
const stranger = createCertificateAuthority("another authority");
const refuses = ({ gate }: Scene) => void gate.turn("refuse");

const table: readonly Read[] = [
  answered("timeout / blackhole × verify", "unknown unverified", "", "mute"),
  answered("RST / FIN × verify", "unknown unverified", "", "rst"),
  answered("RST / FIN × verify", "unknown unverified", "", "fin"),
  answered("408/429/503 × verify", "unknown unverified", reply(503), "serve"),
  answered("other 5xx × verify", "unknown unverified", reply(502), "serve"),
  answered("malformed / oversize / drip / 1xx flood × verify", "unknown unverified", "SSH-2.0-x\r\n", "fin"),
  answered("early 401/403/404/413/415 × verify", "failed refused", reply(403), "serve"),
  answered("3xx × verify", "failed redirected", reply(307, "location: http://127.0.0.1:1/\r\n"), "serve"),
  { place: "refused / DNS / unreachable × verify", name: "for good", outcome: "unknown unverified", sent: refuses },
  {
    place: "refused / DNS / unreachable × verify",
    name: "while it restarts",
    outcome: "updated",
    sent: refuses,
    unread: ({ gate }, reads) => reads === 2 && void gate.turn("open"),
  },
  {
    place: "bad certificate / pin × verify",
    name: "it comes back with a certificate of another authority",
    outcome: "failed tls_failed",
    known: {},
    sent: ({ station }) => station.certify(stranger.issue()),
  },
  {
    place: "bad certificate / pin × verify",
    name: "it comes back with another key",
    outcome: "failed pin_mismatch",
    known: { pins: [certificate.pin] },
    sent: ({ station }) => station.certify(authority.issue()),
  },
  {
    place: "reports the old version × verify",
    name: "it installed nothing",
    outcome: "failed not_updated",
    before: (station) => station.claims(old),
  },
  {
    place: "reports another version, stably × verify",
    name: "it installed something else",
    outcome: "failed wrong_version",
    before: (station) => station.claims("1.5.0"),
  },
  {
    place: "reports another device × verify",
    name: "another one answers in its place",
    outcome: "failed wrong_device",
    named: true,
    sent: ({ station }) => station.naming?.swap(),
  },
];

/** Milliseconds: R goes on to the end, which is soon; polling needs a second read before it; all else ends by itself. */
function deadlineOf({ place, outcome }: Read): number {
  if (matrix.get(place) === "R" && outcome !== "updated") return 600;
  return matrix.get(place) === "poll, not updated" ? 2_000 : 20_000;
}

async function play(read: Read, adapter: Adapter, { small, bytesOf }: Rig): Promise<void> {
  const { place, known, named } = read;
  await using station = await adapter.start(known && certificate);
  await using gate = await startGate(portOf(station.device));
  const dials = countDials(gate.port);
  const scene = { station, gate };
  read.before?.(station);
  const trace: Mark[] = [];
  let heardAtFirst = 0;
  let unread = 0;
  await using client = watchedClient(station, trace, {
    tls: { ca: authority.cert },
    verification: { deadline: deadlineOf(read), stableFor: 0 },
    onEvent(event) {
      if (event.type === "sent") {
        read.sent?.(scene);
        heardAtFirst = station.asked();
      }
      if (event.type === "read" && event.state === undefined) read.unread?.(scene, ++unread);
    },
  });
  const own = named && station.naming ? { id: station.naming.id, profile: station.naming.profile } : {};
  const outcome = await client.update({ ...atPort(station.device, gate.port), ...known, ...own }, small);
  expect([summary(outcome), station.sends()]).toEqual([read.outcome, 1]);
  rightBytes(station, bytesOf.get(small));
  if (outcome.status === "updated") expect(station.running()).toBe(version);
  const wire = { dials: dials.count, heard: station.asked() - heardAtFirst, arrived: station.arrived() };
  lawOfCell(matrix.get(place) ?? "", { trace, outcome, receipt: receiptOf(outcome), wire });
}

export const reads: readonly AdapterCell[] = table.map((read) => ({
  place: read.place,
  name: read.name,
  ...(read.named && { shows: (_: Adapter, station: Station) => station.naming !== undefined }),
  run: (adapter, rig) => play(read, adapter, rig),
}));
