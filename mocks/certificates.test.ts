import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import type { AgentOptions } from "node:https";
import { request } from "node:https";
import { expect, test } from "vitest";
import { createCertificateAuthority } from "./certificates.ts";
import { startDeviceServer } from "./server.ts";

async function status(url: string, options: AgentOptions): Promise<number> {
  const sent = request(`${url}/version`, { agent: false, ...options });
  sent.end();
  const [reply] = await once(sent, "response");
  reply.resume();
  return reply.statusCode;
}

const authority = createCertificateAuthority();
const ca = authority.cert;

test("a leaf is signed by its authority, names its hosts and lasts as long as it says", () => {
  const notAfter = new Date("2061-05-06T07:08:09Z");
  const { cert, fingerprint } = authority.issue({ name: "pos-1", hosts: ["127.0.0.1", "::1", "pos-1.test"], notAfter });
  const leaf = new X509Certificate(cert);
  const root = new X509Certificate(ca);
  expect(root.ca && root.verify(root.publicKey)).toBe(true);
  expect(leaf.ca).toBe(false);
  expect(leaf.verify(root.publicKey)).toBe(true);
  expect(leaf.checkIssued(root)).toBe(true);
  expect(leaf.subject).toBe("CN=pos-1");
  expect([leaf.checkIP("127.0.0.1"), leaf.checkIP("::1"), leaf.checkHost("pos-1.test")]).not.toContain(undefined);
  expect([leaf.checkIP("127.0.0.2"), leaf.checkHost("else.test")]).toEqual([undefined, undefined]);
  expect(new Date(leaf.validTo)).toEqual(notAfter);
  expect(leaf.fingerprint256).toBe(fingerprint);
  expect(leaf.verify(new X509Certificate(createCertificateAuthority().cert).publicKey)).toBe(false);
});

test("a renewed certificate keeps its pin, a new key does not", () => {
  const first = authority.issue();
  const renewed = authority.issue({ key: first.key });
  expect(renewed.pin).toBe(first.pin);
  expect(renewed.fingerprint).not.toBe(first.fingerprint);
  expect(authority.issue().pin).not.toBe(first.pin);
});

test("clients that trust the authority come in, others and wrong names do not", async () => {
  await using server = await startDeviceServer({ tls: authority.issue() });
  expect(server.url).toMatch(/^https:/);
  expect(await status(server.url, { ca })).toBe(200);
  await expect(status(server.url, {})).rejects.toMatchObject({ code: "UNABLE_TO_VERIFY_LEAF_SIGNATURE" });
  await using expired = await startDeviceServer({ tls: authority.issue({ notAfter: new Date(Date.now() - 1000) }) });
  await expect(status(expired.url, { ca })).rejects.toMatchObject({ code: "CERT_HAS_EXPIRED" });
  await using other = await startDeviceServer({ tls: authority.issue({ hosts: ["else.test"] }) });
  await expect(status(other.url, { ca })).rejects.toMatchObject({ code: "ERR_TLS_CERT_ALTNAME_INVALID" });
});

test("a device comes back with another certificate, at the same address", async () => {
  await using server = await startDeviceServer({ tls: authority.issue() });
  const held = request(`${server.url}/version`, { agent: false, ca, method: "POST", headers: { "content-length": 9 } });
  const cut = new Promise((resolve) => held.on("error", () => {}).on("close", resolve));
  held.write("x");
  await once(held, "socket").then(([socket]) => once(socket, "secureConnect"));
  server.certify(createCertificateAuthority().issue());
  await cut;
  await expect(status(server.url, { ca })).rejects.toMatchObject({ code: "UNABLE_TO_VERIFY_LEAF_SIGNATURE" });
  server.certify(authority.issue());
  expect(await status(server.url, { ca })).toBe(200);
});

test("client certificates are asked for, checked and recorded", async () => {
  await using server = await startDeviceServer({ tls: { ...authority.issue(), ca } });
  const mine = authority.issue({ use: "client", name: "operator" });
  const stranger = createCertificateAuthority().issue({ use: "client" });
  expect(await status(server.url, { ca, key: mine.key, cert: mine.cert })).toBe(200);
  expect(server.device.requests[0]?.peer).toBe(mine.fingerprint);
  await expect(status(server.url, { ca })).rejects.toThrow();
  await expect(status(server.url, { ca, key: stranger.key, cert: stranger.cert })).rejects.toThrow();
  expect(server.device.counters.requests.version).toBe(1);
});

test("versions of TLS are kept to, and faults reach beneath TLS", async () => {
  await using server = await startDeviceServer({ tls: { ...authority.issue(), maxVersion: "TLSv1.2" } });
  await expect(status(server.url, { ca, minVersion: "TLSv1.3" })).rejects.toMatchObject({ code: /PROTOCOL/ });
  server.script(
    { on: "connect", fault: { kind: "cut", at: 0 } },
    { on: "connect", fault: { kind: "delay", ms: 10 } },
    { on: "version", fault: { kind: "cut", at: "received" } },
  );
  await expect(status(server.url, { ca })).rejects.toMatchObject({ code: "ECONNRESET" });
  await expect(status(server.url, { ca })).rejects.toMatchObject({ code: "ECONNRESET" });
  expect(server.device.counters.requests.version).toBe(1);
  expect(await status(server.url, { ca })).toBe(200);
});
