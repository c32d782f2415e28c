import type { TLSSocket } from "node:tls";
import { describe, expect, it } from "vitest";
import { type Certificate, createCertificateAuthority } from "../../mocks/index.ts";
import type { TransportOptions } from "./options.ts";
import { pinSet } from "./pinning.ts";
import { answering, CountedChunks, failure, loopback, request, serve, upload } from "./rig.suite.ts";

const authority = createCertificateAuthority();
const stranger = createCertificateAuthority("another authority");
const device = authority.issue();
const wrongPin = `sha256/${"A".repeat(43)}=`;

const tls = (certificate: Certificate, more = {}) => ({
  tls: { key: certificate.key, cert: certificate.cert, ...more },
});

/** A device that counts the bytes of requests that reach it. */
async function deviceWith(certificate: Certificate, more = {}) {
  const seen = { bytes: 0, resumed: [] as boolean[] };
  const server = await serve(
    (socket) => {
      seen.resumed.push((socket as TLSSocket).isSessionReused());
      socket.on("data", (data: Buffer) => {
        seen.bytes += data.length;
      });
      answering()(socket);
    },
    tls(certificate, more),
  );
  return { server, seen, [Symbol.asyncDispose]: () => server.close() };
}

describe("trust in an authority", () => {
  it("is given to one that the caller names, and the answer says so", async () => {
    await using one = await deviceWith(device);
    await using transport = loopback({ tls: { ca: authority.cert } });
    for (let i = 0; i < 3; i++) {
      const reply = await transport.exchange(one.server.url, upload(Buffer.from("x")));
      expect(reply).toMatchObject({ status: 200, peer: "tls", sent: "all", certificate: device.fingerprint });
    }
    expect(one.server.sockets).toHaveLength(1);
  });

  it("carries large bodies too", async () => {
    await using one = await deviceWith(device);
    await using transport = loopback({ tls: { ca: authority.cert } });
    const body = new CountedChunks(5_000_000);
    expect(await transport.exchange(one.server.url, upload(body))).toMatchObject({ status: 200, sent: "all" });
  });

  it.each<[string, Certificate, TransportOptions, string]>([
    ["nobody vouches for", device, {}, "UNABLE_TO_VERIFY_LEAF_SIGNATURE"],
    ["another authority vouches for", stranger.issue(), { tls: { ca: authority.cert } }, "UNABLE_TO_VERIFY"],
    [
      "has expired",
      authority.issue({ notAfter: new Date(Date.now() - 1000) }),
      { tls: { ca: authority.cert } },
      "CERT_HAS_EXPIRED",
    ],
    [
      "is not valid yet",
      authority.issue({ notBefore: new Date(Date.now() + 60_000) }),
      { tls: { ca: authority.cert } },
      "CERT_NOT_YET_VALID",
    ],
    ["is for another host", authority.issue({ hosts: ["10.0.0.1"] }), { tls: { ca: authority.cert } }, "ALTNAME"],
  ])("is not given to a certificate that %s", async (_, certificate, options, code) => {
    await using one = await deviceWith(certificate);
    await using transport = loopback(options);
    const body = new CountedChunks(1_000_000);
    const error = await failure(transport.exchange(one.server.url, upload(body)));
    expect(error).toMatchObject({ code: "tls_failed", phase: "connect", bytesOut: "none", retryable: false });
    expect(error.message).toContain(code);
    expect(one.seen.bytes).toBe(0);
    expect(body.begun).toBe(0);
  });

  it("checks the peer's name on every connection, resumed sessions or not", async () => {
    for (const maxVersion of ["TLSv1.2", "TLSv1.3"]) {
      await using one = await deviceWith(authority.issue({ hosts: ["10.0.0.1"] }), { maxVersion });
      await using transport = loopback({ tls: { ca: authority.cert } });
      for (let i = 0; i < 3; i++) {
        expect(await failure(transport.exchange(one.server.url, request()))).toMatchObject({ code: "tls_failed" });
      }
      expect(one.seen.bytes).toBe(0);
    }
  });

  it("never resumes a session", async () => {
    await using one = await deviceWith(device);
    await using transport = loopback({ tls: { ca: authority.cert } });
    for (let i = 0; i < 3; i++) await transport.exchange(one.server.url, request({ keepAlive: false }));
    expect(one.seen.resumed).toEqual([false, false, false]);
  });

  it("keeps to names as well as addresses", async () => {
    await using one = await deviceWith(authority.issue({ hosts: ["device.lan"] }));
    await using transport = loopback({
      tls: { ca: authority.cert },
      lookup: (_, __, callback) => callback(null, [{ address: "127.0.0.1", family: 4 }]),
    });
    expect((await transport.exchange(`https://device.lan:${one.server.port}`, request())).peer).toBe("tls");
    const error = await failure(transport.exchange(`https://other.lan:${one.server.port}`, request()));
    expect(error).toMatchObject({ code: "tls_failed" });
  });
});

describe("the protocol", () => {
  it("is TLS 1.2 at least, or 1.3 where asked", async () => {
    const old = { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" };
    for (const [minVersion, range, fits] of [
      [undefined, old, false],
      ["TLSv1.2", { maxVersion: "TLSv1.2" }, true],
      ["TLSv1.3", { maxVersion: "TLSv1.2" }, false],
      ["TLSv1.3", {}, true],
    ] as const) {
      await using one = await deviceWith(device, range);
      await using transport = loopback({ tls: { ca: authority.cert, ...(minVersion && { minVersion }) } });
      const exchange = transport.exchange(one.server.url, request());
      if (fits) expect((await exchange).status).toBe(200);
      else expect(await failure(exchange)).toMatchObject({ code: "tls_failed", bytesOut: "none" });
    }
  });

  it("is never HTTP/2, even where the device prefers it", async () => {
    await using one = await deviceWith(device, { ALPNProtocols: ["h2", "http/1.1"] });
    await using transport = loopback({ tls: { ca: authority.cert } });
    await transport.exchange(one.server.url, request());
    expect((one.server.sockets[0] as TLSSocket).alpnProtocol).toBe("http/1.1");
  });

  it("is TLS and nothing else: a plain server is a failed handshake", async () => {
    await using plain = await serve((socket) => socket.once("data", () => socket.write("HTTP/1.1 400 Bad\r\n\r\n")));
    await using transport = loopback();
    const error = await failure(transport.exchange(plain.url.replace("http:", "https:"), request()));
    expect(error).toMatchObject({ code: "tls_failed", bytesOut: "none" });
  });

  it("that is cut during the handshake is a failed connection, which can be tried again", async () => {
    await using server = await serve((socket) => socket.once("data", () => socket.resetAndDestroy()));
    await using transport = loopback();
    const error = await failure(transport.exchange(server.url.replace("http:", "https:"), request()));
    expect(error).toMatchObject({ code: "connect_failed", bytesOut: "none", retryable: true });
  });
});

describe("a client certificate", () => {
  const own = authority.issue({ use: "client" });
  const mutual = { requestCert: true, rejectUnauthorized: true, ca: authority.cert };

  it("is shown to a device that asks for one", async () => {
    await using one = await deviceWith(device, mutual);
    await using transport = loopback({ tls: { ca: authority.cert, cert: own.cert, key: own.key } });
    expect((await transport.exchange(one.server.url, request())).status).toBe(200);
    const peer = (one.server.sockets[0] as TLSSocket).getPeerX509Certificate();
    expect(peer?.fingerprint256).toBe(own.fingerprint);
  });

  it.each(["TLSv1.2", "TLSv1.3"] as const)(
    "that is missing ends in tls_failed or a lost connection (%s)",
    async (version) => {
      await using one = await deviceWith(device, { ...mutual, maxVersion: version });
      await using transport = loopback({ tls: { ca: authority.cert } });
      const error = await failure(transport.exchange(one.server.url, request()));
      // With TLS 1.3 the device's verdict comes after the handshake, and its reset may overtake it.
      expect(["tls_failed", "connection_lost", "connect_failed"]).toContain(error.code);
      expect(one.seen.bytes).toBe(0);
    },
  );
});

describe("pins", () => {
  const selfMade = stranger.issue({ hosts: ["elsewhere.lan"], notAfter: new Date(Date.now() - 1000) });

  it.each([
    ["of the public key", [selfMade.pin]],
    ["of the certificate", [selfMade.fingerprint]],
    ["of the certificate in lower case", [selfMade.fingerprint.toLowerCase()]],
    ["among others", [wrongPin, device.fingerprint, selfMade.pin]],
  ])("%s are enough for a certificate that nobody vouches for", async (_, pins) => {
    await using one = await deviceWith(selfMade);
    await using transport = loopback();
    for (let i = 0; i < 3; i++) {
      const reply = await transport.exchange(one.server.url, request({ pins, keepAlive: i > 0 }));
      expect(reply).toMatchObject({ status: 200, peer: "pin", certificate: selfMade.fingerprint });
    }
    await using wide = loopback({ tls: { pins } });
    expect((await wide.exchange(one.server.url, request())).peer).toBe("pin");
    expect((await wide.exchange(one.server.url, request({ pins: [wrongPin] }))).peer).toBe("pin");
  });

  it("that match nothing end it before a byte of the request leaves, on every connection", async () => {
    await using one = await deviceWith(device);
    await using transport = loopback();
    for (let i = 0; i < 3; i++) {
      const body = new CountedChunks(1_000_000);
      const error = await failure(
        transport.exchange(one.server.url, upload(body, { pins: [wrongPin, selfMade.fingerprint] })),
      );
      expect(error).toMatchObject({ code: "pin_mismatch", phase: "connect", bytesOut: "none", retryable: false });
      expect(body.begun).toBe(0);
    }
    expect(one.seen.bytes).toBe(0);
    expect(transport.statistics()).toMatchObject({ failed: 3, opened: 0, connections: 0 });
  });

  it("come on top of an authority that the caller names", async () => {
    await using trusted = await deviceWith(device);
    await using untrusted = await deviceWith(selfMade);
    await using transport = loopback({ tls: { ca: authority.cert } });
    const exchange = (url: string, pin: string) => transport.exchange(url, request({ pins: [pin] }));
    expect((await exchange(trusted.server.url, device.pin)).peer).toBe("pin");
    expect(await failure(exchange(trusted.server.url, wrongPin))).toMatchObject({ code: "pin_mismatch" });
    expect(await failure(exchange(untrusted.server.url, selfMade.pin))).toMatchObject({ code: "tls_failed" });
    expect(untrusted.seen.bytes).toBe(0);
  });

  it("never share a connection with other pins, or with none", async () => {
    await using one = await deviceWith(device);
    await using transport = loopback({ tls: { ca: authority.cert } });
    const exchange = (pins?: string[]) => transport.exchange(one.server.url, request(pins ? { pins } : {}));
    expect((await exchange()).peer).toBe("tls");
    expect((await exchange([device.pin])).peer).toBe("pin");
    expect(one.server.sockets).toHaveLength(2);
    expect(await failure(exchange([wrongPin]))).toMatchObject({ code: "pin_mismatch" });
    expect(transport.statistics()).toMatchObject({ connections: 2, opened: 2, failed: 1 });
    // The same pins in another order and spelling are the same pins.
    await exchange([device.fingerprint.toLowerCase(), device.pin]);
    await exchange([device.pin, device.fingerprint]);
    expect(transport.statistics()).toMatchObject({ connections: 3, opened: 3, reused: 1 });
    expect((await exchange([])).peer).toBe("tls");
    expect(transport.statistics()).toMatchObject({ connections: 3, opened: 3, reused: 2 });
  });

  it("outlive a renewed certificate when they name the key", async () => {
    const renewed = authority.issue({ key: device.key });
    expect(renewed.fingerprint).not.toBe(device.fingerprint);
    await using one = await deviceWith(renewed);
    await using transport = loopback();
    expect((await transport.exchange(one.server.url, request({ pins: [device.pin] }))).status).toBe(200);
    const old = failure(transport.exchange(one.server.url, request({ pins: [device.fingerprint] })));
    expect(await old).toMatchObject({ code: "pin_mismatch" });
  });

  it("are read once from a list that is frozen", async () => {
    await using one = await deviceWith(device);
    await using transport = loopback();
    let reads = 0;
    const pins = new Proxy(Object.freeze([device.pin]), {
      get(list, key) {
        reads++;
        return Reflect.get(list, key);
      },
    });
    await transport.exchange(one.server.url, request({ pins }));
    const first = reads;
    await transport.exchange(one.server.url, request({ pins }));
    // Its length is looked at, no more.
    expect(reads).toBeLessThanOrEqual(first + 1);
  });

  it("refuse plain http, which presents no certificate", async () => {
    await using server = await serve(answering());
    await using transport = loopback({ tls: { pins: [device.pin] } });
    expect(await failure(transport.exchange(server.url, request()))).toMatchObject({
      code: "pin_mismatch",
      bytesOut: "none",
    });
    expect(server.sockets).toHaveLength(0);
  });
});

describe("pinSet", () => {
  it.each([
    "",
    "sha256/",
    `sha256/${"A".repeat(44)}`,
    `sha512/${"A".repeat(43)}=`,
    `sha256/${"!".repeat(43)}=`,
    "AA:BB",
    device.fingerprint.replaceAll(":", ""),
    `${device.fingerprint}:00`,
    null,
  ])("refuses %j", (pin) => {
    expect(() => pinSet([pin as string])).toThrow(expect.objectContaining({ code: "invalid_option" }));
  });

  it("is nothing when there are none", () => {
    expect(pinSet(undefined, [])).toBeUndefined();
  });
});
