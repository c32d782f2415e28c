import { describe, expect, it } from "vitest";
import {
  createCertificateAuthority,
  defaultPaths,
  makeFirmware,
  plainDialect,
  startDeviceServer,
  withLogin,
} from "../mocks/index.ts";
import { type ClientOptions, type DeliveryRecord, openArtifact, type Profile, Secret } from "../src/index.ts";
import { flaws } from "../src/push/record/schema.suite.ts";
import { fastClient } from "./kit.ts";

const version = "2.0.0";
const bytes = makeFirmware({ version, length: 300_000 });
const authority = createCertificateAuthority();
const certificate = authority.issue();
const canary = "canary-9d1f";
const login = { username: "admin", password: canary };

interface Setting {
  readonly tls?: typeof certificate;
  readonly locked?: boolean;
  readonly client?: ClientOptions;
  readonly profile?: Profile;
}

async function recordOf({ tls, locked, client: options, profile }: Setting): Promise<DeliveryRecord> {
  await using server = await startDeviceServer({
    id: "pos-1",
    ...(tls && { tls }),
    ...(locked && { dialect: withLogin(plainDialect(defaultPaths), login) }),
  });
  await using client = fastClient(options);
  await using artifact = await openArtifact(bytes, { version });
  const device = { id: "pos-1", address: server.url, ...(profile && { profile }) };
  const outcome = await client.update(device, artifact, { headers: { "x-token": canary } });
  expect(outcome.status).toBe("updated");
  return outcome.record;
}

const credentials = () => ({ username: login.username, password: new Secret(login.password) });

/** Each way to know whom one speaks to, strongest first, and what the record of it says. */
const levels: readonly (readonly [DeliveryRecord["device"]["identity"], Setting])[] = [
  ["pin", { tls: certificate, client: { tls: { pins: [certificate.pin] } } }],
  ["tls", { tls: certificate, client: { tls: { ca: authority.cert } } }],
  ["credential", { locked: true, client: { credentials } }],
  ["reported-id", { profile: { inspect: { also: { deviceId: "/id" } } } }],
  ["address", {}],
];

describe("a device that is known by", () => {
  it.each(levels)(
    "%s: the evidence and the record say so, and the record says which certificate answered",
    async (level, setting) => {
      const record = await recordOf(setting);
      expect(record.readBack.evidence?.identity).toBe(level);
      expect(record.device.identity).toBe(level);
      expect(record.readBack.before?.identity).toBe(level);
      expect(record.device.certificates).toEqual(setting.tls ? [setting.tls.fingerprint] : []);
      expect(flaws(record)).toEqual([]);
    },
  );

  it("pin, and tls and credentials too, is known by its pin; by credentials and its id, by credentials", async () => {
    const both = { inspect: { also: { deviceId: "/id" } } };
    const all = { tls: certificate, locked: true, profile: both };
    const pinned = await recordOf({
      ...all,
      client: { tls: { ca: authority.cert, pins: [certificate.pin] }, credentials },
    });
    const locked = await recordOf({ locked: true, profile: both, client: { credentials } });
    expect([pinned.device.identity, locked.device.identity]).toEqual(["pin", "credential"]);
  });
});

describe("a record", () => {
  it("holds no secret: no password, no header of the caller's", async () => {
    const text = JSON.stringify(await recordOf({ locked: true, client: { credentials } }));
    expect(text).not.toContain(canary);
    expect(text).not.toContain(Buffer.from(`${login.username}:${canary}`).toString("base64"));
  });
});
