import {
  type Certificate,
  type CertificateAuthority,
  createCertificateAuthority,
  type DeviceServer,
} from "../../mocks/index.ts";
import type { ClientOptions } from "../../src/index.ts";
import type { Place } from "./matrix.ts";
import { always, type Variant } from "./variants.ts";

export const authority: CertificateAuthority = createCertificateAuthority();
export const certificate: Certificate = authority.issue();
const stranger = createCertificateAuthority("another authority");
const hours = (from: number, to: number) => ({
  notBefore: new Date(Date.now() + from * 3_600_000),
  notAfter: new Date(Date.now() + to * 3_600_000),
});
const trusting = { tls: { ca: authority.cert } };
const secure = { tls: certificate };

/** Listens again once the first attempt has failed, and is tried often enough to be found. */
const comesBack: Pick<Variant, "before" | "on" | "client"> = {
  before: (server) => server.refuse(),
  on: (event, server) => void (event.type === "attempt-failed" && server.accept()),
  client: { retry: { attempts: 50 } },
};
const refuse = (server: DeviceServer) => server.refuse();

type Lookup = NonNullable<ClientOptions["lookup"]>;
/** A name server that knows every name while `knows` says so. */
const resolver =
  (knows: () => boolean, code = "ENOTFOUND"): Lookup =>
  (name, _, callback) => {
    if (knows()) callback(null, [{ address: "127.0.0.1", family: 4 }]);
    else callback(Object.assign(new Error(`getaddrinfo ${code} ${name}`), { code }), []);
  };
const named = { named: true } as const;

/** Devices by their name, which the name server does not know: at first, at no time, and not any more. */
function nameless(): readonly Variant[] {
  let asked = 0;
  const later = resolver(() => ++asked > 1, "EAI_AGAIN");
  const never = resolver(() => false);
  return [
    { ...named, name: "its name, once", call: "push", outcome: "sent", sends: 1, client: { lookup: later } },
    { ...named, name: "its name", call: "push", outcome: "failed connect_failed", sends: 0, client: { lookup: never } },
    { ...named, name: "its name, at first", outcome: "failed connect_failed", sends: 0, client: { lookup: never } },
  ];
}

function forgotten(): Variant {
  let known = true;
  return {
    ...named,
    name: "its name is forgotten",
    client: { lookup: resolver(() => known) },
    server: { rebootMs: 20, whileRebooting: "refuse" },
    on: (event) => {
      if (event.type === "sent") known = false;
    },
    outcome: "unknown unverified",
    sends: 1,
  };
}

/** The broadcast address of loopback: the kernel has no way to it for TCP (ENETUNREACH), and nothing leaves the machine. */
const unreachable = { host: "127.255.255.255" } as const;

const connecting: readonly (readonly [Place, readonly Variant[]])[] = [
  [
    "refused / DNS / unreachable × connect",
    [
      { name: "once", call: "push", outcome: "sent", sends: 1, ...comesBack },
      { name: "every time", call: "push", outcome: "failed connect_failed", sends: 0, before: refuse },
      { name: "every time, to the first read", outcome: "failed connect_failed", sends: 0, before: refuse },
      ...nameless(),
      { ...unreachable, name: "no way to it", call: "push", outcome: "failed connect_failed", sends: 0 },
      { ...unreachable, name: "no way to it, at first", outcome: "failed connect_failed", sends: 0 },
    ],
  ],
  [
    "refused / DNS / unreachable × verify",
    [
      {
        name: "while it restarts",
        server: { rebootMs: 400, whileRebooting: "refuse" },
        client: { verification: { deadline: 10_000 } },
        outcome: "updated",
        sends: 1,
      },
      {
        name: "for good",
        on: (event, server) => event.type === "sent" && server.refuse(),
        outcome: "unknown unverified",
        sends: 1,
      },
      forgotten(),
    ],
  ],
  [
    "RST / FIN × connect",
    (["rst", "fin"] as const).flatMap((ending): readonly Variant[] => {
      const fault = { kind: "cut", at: "headers", ending } as const;
      return [
        { name: `${ending}, once`, call: "push", script: [{ on: "connect", fault }], outcome: "sent", sends: 1 },
        { name: `${ending}, to the first read`, script: [{ on: "connect", fault }], outcome: "updated", sends: 1 },
      ];
    }),
  ],
];

const handshake: readonly (readonly [Place, readonly Variant[]])[] = (
  [
    ["timeout / blackhole × TLS", "swallowed", { kind: "blackhole" }, "connect_timeout"],
    ["RST / FIN × TLS", "reset", { kind: "cut", at: "headers" }, "connect_failed"],
    ["RST / FIN × TLS", "ended", { kind: "cut", at: "headers", ending: "fin" }, "connect_failed"],
  ] as const
).map(([place, name, fault, code]) => {
  const common = { call: "push", server: secure, client: trusting } as const;
  return [
    place,
    [
      { ...common, name: `${name}, once`, script: [{ on: "connect", fault }], outcome: "sent", sends: 1 },
      {
        ...common,
        name: `${name}, every time`,
        script: [{ on: "connect", fault, times: always }],
        outcome: `failed ${code}`,
        sends: 0,
      },
    ],
  ] as const;
});

const untrusted = (name: string, rest: Partial<Variant>): Variant => ({
  ...{ name, outcome: "failed tls_failed", sends: 0, server: secure, client: trusting },
  ...rest,
});
const another = authority.issue().pin;

const certificates: readonly (readonly [Place, readonly Variant[]])[] = [
  [
    "bad certificate / pin × TLS",
    [
      untrusted("an unknown authority", { client: { tls: { ca: stranger.cert } } }),
      untrusted("no authority and no pin", { client: {} }),
      untrusted("another name", { server: { tls: authority.issue({ hosts: ["pos-1.test"] }) } }),
      untrusted("an expired certificate", { server: { tls: authority.issue(hours(-2, -1)) } }),
      untrusted("a certificate of tomorrow", { server: { tls: authority.issue(hours(1, 2)) } }),
      untrusted("a client's certificate", { server: { tls: authority.issue({ use: "client" }) } }),
      untrusted("an old protocol", {
        server: { tls: { ...certificate, maxVersion: "TLSv1.2" } },
        client: { tls: { ca: authority.cert, minVersion: "TLSv1.3" } },
      }),
      untrusted("a pin of another key", { outcome: "failed pin_mismatch", client: { tls: { pins: [another] } } }),
      untrusted("the right authority, a pin of another key", {
        outcome: "failed pin_mismatch",
        client: { tls: { ca: authority.cert, pins: [another] } },
      }),
      untrusted("the device's own pin is of another key", {
        outcome: "failed pin_mismatch",
        device: { pins: [another] },
      }),
    ].flatMap((variant) => [variant, { ...variant, call: "push" as const, name: `${variant.name}, to a send` }]),
  ],
];

const renewed = (name: string, rest: Partial<Variant>, next: Certificate): Variant => ({
  ...untrusted(`${name} after its restart`, { sends: 1, ...rest }),
  on: (event, server) => event.type === "sent" && server.certify(next),
});

const recertified: readonly (readonly [Place, readonly Variant[]])[] = [
  [
    "bad certificate / pin × verify",
    [
      renewed("a certificate of another authority", {}, stranger.issue()),
      renewed("another name", {}, authority.issue({ hosts: ["pos-1.test"] })),
      renewed("an expired certificate", {}, authority.issue(hours(-2, -1))),
      renewed(
        "another key",
        { outcome: "failed pin_mismatch", device: { pins: [certificate.pin] } },
        authority.issue(),
      ),
    ],
  ],
];

export const onTheWay: readonly (readonly [Place, readonly Variant[]])[] = [
  ...connecting,
  ...handshake,
  ...certificates,
  ...recertified,
];
