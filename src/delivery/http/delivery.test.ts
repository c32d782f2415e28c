import type { DeviceServerOptions } from "../../../mocks/index.ts";
import {
  createCertificateAuthority,
  defaultPaths,
  makeFirmware,
  plainDialect,
  startDeviceServer,
  withLogin,
} from "../../../mocks/index.ts";
import { Secret } from "../../core/credentials.ts";
import type { Delivery, DeliveryContext } from "../../core/delivery.ts";
import { type Rig, testDelivery } from "../delivery.suite.ts";
import { simulatedRig } from "../suite/simulated.suite.ts";
import { http } from "./index.ts";

type Naming = { readonly id?: string; readonly name?: string; readonly pins?: readonly string[] };

async function start(device: Naming, options: DeviceServerOptions = {}): Promise<Rig> {
  return simulatedRig(await startDeviceServer(options), device);
}

const firmware = (version: string) => makeFirmware({ version, length: 300_000 });
const refusals = new Set([401, 403, 404, 405, 413, 415, 429, 503]);
const traits = { resumable: false, refusals, verdict: "readback" } as const;

testDelivery({
  name: "http by POST",
  delivery: () => http(),
  start,
  firmware,
  traits: { ...traits, repeat: "unsafe", activates: "itself" },
});

const profile = {
  send: { method: "PUT" },
  activate: { path: "/activate" },
  inspect: { also: { digest: "/digest", deviceId: "/id", bootId: "/bootId" } },
};
testDelivery({
  name: "http by PUT, activated on request and proving digests",
  delivery: () => http(profile),
  start: (device) => start(device, { activation: "on-request" }),
  firmware,
  traits: { ...traits, repeat: "idempotent", activates: "on-request" },
});

// A device that is known by its key, behind an authority of the owner's own: as pins and authorities are meant to be used.
const authority = createCertificateAuthority();
const certificate = authority.issue();
testDelivery({
  name: "http over TLS, known by a pin",
  delivery: () => http(),
  start: (device) => start({ ...device, pins: [certificate.pin] }, { tls: certificate }),
  tls: { ca: authority.cert },
  identities: ["pin"],
  firmware,
  traits: { ...traits, repeat: "unsafe", activates: "itself" },
});

/** Gives every session and probe of a delivery a login. */
function loggedIn(delivery: Delivery): Delivery {
  const password = new Secret("correct horse");
  const shown = (context: DeliveryContext): DeliveryContext => ({
    ...context,
    credentials: async () => ({ username: "admin", password }),
  });
  const { prober } = delivery;
  if (prober === undefined) throw new Error("this delivery can be read");
  return {
    ...delivery,
    prober: { ...prober, bind: (device, context) => prober.bind(device, shown(context)) },
    bind: (device, context) => delivery.bind(device, shown(context)),
  };
}

// The reads are open: a read's first request would otherwise use up what is scripted to go wrong with its second.
const login = { username: "admin", password: "correct horse", open: ["version", "health"] } as const;
testDelivery({
  name: "http with a login by Digest",
  delivery: () => loggedIn(http({ challenge: "GET /login" })),
  start: (device) => start(device, { dialect: withLogin(plainDialect(defaultPaths), login) }),
  firmware,
  traits: { ...traits, repeat: "unsafe", activates: "itself" },
});
