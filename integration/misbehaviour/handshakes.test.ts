import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  createCertificateAuthority,
  type Front,
  handshakes,
  startHandshake,
  startTlsFront,
} from "../../mocks/index.ts";
import {
  type Artifact,
  type ClientOptions,
  createClient,
  type Device,
  isFlashwaveError,
  openArtifact,
} from "../../src/index.ts";
import { type Adapter, adapters } from "../adapters.ts";
import { figure, isLong } from "../long.ts";

const [generic, ...others] = adapters as [Adapter, ...Adapter[]];
const authority = createCertificateAuthority();
const stranger = createCertificateAuthority("another authority");
const good = authority.issue();
const hours = (from: number, to: number) => ({
  notBefore: new Date(Date.now() + from * 3_600_000),
  notAfter: new Date(Date.now() + to * 3_600_000),
});
const trusting: ClientOptions = { tls: { ca: authority.cert } };
/** Node refuses to speak it unless told twice. */
const old = { minVersion: "TLSv1.1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" } as const;

interface Case {
  readonly name: string;
  readonly front: () => Promise<Front>;
  readonly codes: RegExp;
  readonly client?: ClientOptions;
  readonly device?: Partial<Device>;
  /** Milliseconds, for what nothing but our own limits ends. */
  readonly limits?: NonNullable<ClientOptions["timeouts"]>;
}

/** Nothing but our own limit on connecting ends these. */
const silent = /silence|nothing is read|drips|empty records|warnings without end/;

const rude = handshakes.map(
  (handshake): Case => ({
    name: handshake.name,
    front: () => startHandshake(handshake),
    codes: silent.test(handshake.name)
      ? /^(connect_timeout|tls_failed|connect_failed)$/
      : /^(tls_failed|connect_failed)$/,
    ...(silent.test(handshake.name) && { limits: { connect: 250 } }),
  }),
);

const certified = (name: string, tls: object, client: ClientOptions, codes = /^tls_failed$/, device = {}): Case => ({
  ...{ name, front: () => startTlsFront(tls), client, codes, device },
});
const selfSigned = createCertificateAuthority("pos-1");
const certificates: readonly Case[] = [
  certified("an unknown authority", good, { tls: { ca: stranger.cert } }),
  certified("nobody's authority", good, {}),
  certified("another name", authority.issue({ hosts: ["pos-1.test"] }), trusting),
  certified("no name at all", authority.issue({ hosts: [] }), trusting),
  certified("an expired certificate", authority.issue(hours(-2, -1)), trusting),
  certified("a certificate of tomorrow", authority.issue(hours(1, 2)), trusting),
  certified("a client's certificate", authority.issue({ use: "client" }), trusting),
  certified("the same name, issued by another of the same name", createCertificateAuthority().issue(), trusting),
  certified("TLS 1.1 alone", { ...good, ...old }, trusting, /^(tls_failed|connect_failed)$/),
  certified(
    "TLS 1.2 where 1.3 was asked for",
    { ...good, maxVersion: "TLSv1.2" },
    { tls: { ca: authority.cert, minVersion: "TLSv1.3" } },
  ),
  certified(
    "a certificate of ours is asked for",
    { ...good, requestCert: true, rejectUnauthorized: true, ca: stranger.cert, maxVersion: "TLSv1.2" },
    trusting,
    /^(tls_failed|connect_failed|connection_lost)$/,
  ),
  certified("a pin of another key", good, { tls: { pins: [authority.issue().pin] } }, /^pin_mismatch$/),
  certified(
    "a good authority, a pin of another key",
    good,
    { tls: { ca: authority.cert, pins: [authority.issue().pin] } },
    /^pin_mismatch$/,
  ),
  certified("the device's own pin, of another key", good, trusting, /^pin_mismatch$/, {
    pins: [authority.issue().pin],
  }),
  certified(
    "a key that was rotated",
    authority.issue(),
    { tls: { ca: authority.cert, pins: [good.pin] } },
    /^pin_mismatch$/,
  ),
  certified(
    "the authority's pin instead of the device's",
    good,
    { tls: { ca: authority.cert, pins: [selfSigned.issue().pin] } },
    /^pin_mismatch$/,
  ),
];

/** Behind a good handshake nothing is answered: it is a lost connection, or one that was cut by TLS itself. */
const lost = /^(connection_lost|tls_failed|malformed_reply|response_timeout|connect_failed)$/;
type Behave = NonNullable<Parameters<typeof startTlsFront>[1]>;
const sessions: readonly (readonly [string, Behave])[] = [
  ["ends at once", (secure) => secure.end()],
  ["is reset at once", (_, plain) => plain.resetAndDestroy()],
  ["ends with the request, without a goodbye", (secure, plain) => secure.once("data", () => plain.destroy())],
  ["ends with the request, with a goodbye", (secure) => secure.once("data", () => secure.end())],
  ["goes on in plain text", (secure, plain) => secure.once("data", () => plain.write("HTTP/1.1 200 OK\r\n\r\n"))],
  [
    "goes on with a broken record",
    (secure, plain) => secure.once("data", () => plain.write("\x17\x03\x03\0\x20".padEnd(37, "x"), "latin1")),
  ],
  [
    "goes on with an alert in the clear",
    (secure, plain) => secure.once("data", () => plain.write("\x15\x03\x03\0\x02\x02\x28", "latin1")),
  ],
  ["answers noise", (secure) => secure.once("data", () => secure.write("\x16\x03\x01\r\n\r\n".repeat(50)))],
];
const behind = sessions.map(
  ([name, behave]): Case => ({
    name: `a session that ${name}`,
    front: () => startTlsFront({ key: good.key, cert: good.cert }, behave),
    client: trusting,
    codes: lost,
    limits: { response: 500 },
  }),
);

describe("TLS that fails", () => {
  let artifact: Artifact;
  beforeAll(async () => {
    artifact = await openArtifact(Buffer.alloc(100_000, 7), { version: "2.0.0", frozen: true });
  });
  afterAll(() => artifact[Symbol.asyncDispose]());

  async function codeOf(adapter: Adapter, { front: start, client: own, device, limits }: Case): Promise<string> {
    await using front = await start();
    await using station = await adapter.start();
    const client = createClient({
      ...station.client,
      ...own,
      addressPolicy: { permit: ["127.0.0.0/8"] },
      timeouts: { connect: 20_000, response: 20_000, ...limits },
      retry: { attempts: 1, quietPeriod: 5 },
      verification: { deadline: 50 },
    });
    const end = await client.push({ ...station.device, address: front.url, ...device }, artifact).then(
      () => "acknowledged",
      (error: unknown) => {
        if (!isFlashwaveError(error)) throw error;
        // Bytes may have left in a session that broke later; where that cannot be read about, it is what it was first.
        return error.code === "outcome_unknown" && isFlashwaveError(error.cause) ? error.cause.code : error.code;
      },
    );
    await client.close();
    expect(client.statistics()).toMatchObject({ connections: 0, inFlight: 0 });
    return end;
  }

  async function all(adapter: Adapter, cases: readonly Case[]): Promise<void> {
    const wrong: Record<string, string> = {};
    await Promise.all(
      cases.map(async (one) => {
        const code = await codeOf(adapter, one);
        // A device that is to fetch may have been given up before its answer was.
        if (adapter.pulls && code === "not_fetched") return;
        if (!one.codes.test(code)) wrong[one.name] = `${code}, not ${one.codes.source}`;
      }),
    );
    expect(wrong).toEqual({});
    figure("misbehaviour", { "handshakes and sessions broken": cases.length });
  }

  it("in the handshake, to the generic adapter", () => all(generic, rude));
  it("by its certificate or its pin, to the generic adapter", () => all(generic, certificates));
  it("behind the handshake, to the generic adapter", () => all(generic, behind));

  it("shows nothing to a device that is not trusted", async () => {
    for (const { front: start, client: own } of certificates) {
      await using front = await start();
      await using client = createClient({ ...own, addressPolicy: { permit: ["127.0.0.0/8"] }, retry: { attempts: 1 } });
      await expect(
        client.inspect({ id: "a", address: front.url, pins: own?.tls?.pins ?? [authority.issue().pin] }),
      ).rejects.toThrow();
      expect(front.requests).toBe(0);
    }
  });

  it.each(others)("to $name", async (adapter) => {
    const portion = [...rude, ...certificates, ...behind].filter((_, at) => isLong || at % 9 === 0);
    await all(adapter, portion);
  });
});
