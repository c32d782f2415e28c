import { expect, it } from "vitest";
import { createCertificateAuthority } from "../../mocks/index.ts";
import { systemClock } from "../core/clock.ts";
import { resolveOptions, type TransportOptions } from "./options.ts";

it("has the documented defaults, frozen", () => {
  const settings = resolveOptions({});
  expect(settings).toMatchObject({
    limits: { connecting: 10_000, sending: 60_000, answering: 30_000 },
    connections: 4096,
    responseBytes: 1_048_576,
    idleTimeout: 30_000,
    clock: systemClock,
    pins: undefined,
  });
  expect(Object.isFrozen(settings) && Object.isFrozen(settings.limits)).toBe(true);
});

const authority = createCertificateAuthority();
const device = authority.issue({ use: "client" });
const other = authority.issue({ use: "client" });

it("takes every option it knows", () => {
  const settings = resolveOptions({
    timeouts: { connect: 1, stall: 2, response: 3 },
    limits: { connections: 4, responseBytes: 5 },
    idleTimeout: 6,
    tls: {
      ca: [authority.cert, Buffer.from(authority.cert)],
      cert: device.cert,
      key: Buffer.from(device.key),
      minVersion: "TLSv1.3",
      pins: [device.pin],
    },
  });
  expect(settings).toMatchObject({
    limits: { connecting: 1, sending: 2, answering: 3 },
    connections: 4,
    responseBytes: 5,
    idleTimeout: 6,
    pins: { key: device.pin },
  });
});

it.each<[string, unknown]>([
  ["timeouts.connect", { timeouts: { connect: 0 } }],
  ["timeouts.stall", { timeouts: { stall: -1 } }],
  ["timeouts.response", { timeouts: { response: 1.5 } }],
  ["timeouts.connect", { timeouts: { connect: "10" } }],
  ["timeouts.connect", { timeouts: { connect: Number.POSITIVE_INFINITY } }],
  ["limits.connections", { limits: { connections: 0 } }],
  ["limits.connections", { limits: { connections: 1_000_001 } }],
  ["limits.responseBytes", { limits: { responseBytes: Number.NaN } }],
  ["idleTimeout", { idleTimeout: 86_400_001 }],
  ["lookup", { lookup: "dns" }],
  ["tls.minVersion", { tls: { minVersion: "TLSv1.1" } }],
  ["tls.cert and tls.key", { tls: { cert: device.cert } }],
  ["tls.cert and tls.key", { tls: { key: device.key } }],
  ["usable PEM", { tls: { ca: "-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----\n" } }],
  ["usable PEM", { tls: { cert: device.cert, key: other.key } }],
  ["usable PEM", { tls: { cert: "no", key: "no" } }],
  ["A pin", { tls: { pins: ["sha256/short"] } }],
  ["A pin", { tls: { pins: [7] } }],
  ["addressPolicy.permit", { addressPolicy: { permit: ["localhost"] } }],
])("names %s when it is wrong", (name, options) => {
  expect(() => resolveOptions(options as TransportOptions)).toThrow(
    expect.objectContaining({ code: "invalid_option", phase: "prepare", message: expect.stringContaining(name) }),
  );
});

it("never prints a private key", () => {
  expect(() => resolveOptions({ tls: { cert: device.cert, key: "canary" } })).toThrow(
    expect.not.objectContaining({ message: expect.stringContaining("canary") }),
  );
});
