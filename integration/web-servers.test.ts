import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createCertificateAuthority } from "../mocks/index.ts";
import { pattern } from "../src/delivery/suite/trial.suite.ts";
import {
  type Artifact,
  type Client,
  type ClientOptions,
  type Credentials,
  type DeliveryOptions,
  type Device,
  isFlashwaveError,
  openArtifact,
  type ResumeToken,
  Secret,
} from "../src/index.ts";
import { fastClient } from "./kit.ts";
import { startApache } from "./peers/apache.ts";
import { startLighttpd } from "./peers/lighttpd.ts";
import { startNginx } from "./peers/nginx.ts";
import { describePeer } from "./peers/peer.ts";
import { password, token, user, type WebServer } from "./peers/web-server.ts";
import { type Relay, startRelay } from "./relay.ts";

const mebibyte = 1_048_576;
const login: Credentials = { username: user, password: new Secret(password) };
const stranger: Credentials = { username: user, password: new Secret("CANARY") };
const authority = createCertificateAuthority();
const bytes = pattern(24 * mebibyte);

const open = (length: number): Promise<Artifact> => openArtifact(bytes.subarray(0, length), { version: "2.0.0" });
const digestOf = (length: number) => createHash("sha256").update(bytes.subarray(0, length)).digest("hex");

/** A device whose firmware is put at `path`, and whose version stands in a file beside it. */
function deviceAt(url: string, path: string, options?: DeliveryOptions): Device {
  const folder = path.slice(0, path.lastIndexOf("/"));
  return {
    id: "d",
    address: url,
    profile: {
      send: { method: "PUT", path },
      inspect: { path: `${folder}/version.json` },
      health: false,
      ...(options && { options }),
    },
  };
}

const clientWith = (credentials?: Credentials, options: ClientOptions = {}): Client =>
  fastClient({ ...options, ...(credentials && { credentials: () => credentials }) });

/** What a push came to: the status of the acknowledgement, or the code and message of the error. */
async function pushed(client: Client, device: Device, length = 3 * mebibyte): Promise<string> {
  await using artifact = await open(length);
  try {
    return String((await client.push(device, artifact)).status);
  } catch (error) {
    if (!isFlashwaveError(error)) throw error;
    expect(`${error.message} ${JSON.stringify(error)}`).not.toContain("CANARY");
    return `${error.code}: ${error.message}`;
  }
}

/** Starts a server for the tests of a block. */
function running(start: () => Promise<WebServer>): { readonly server: WebServer } {
  let server: WebServer | undefined;
  beforeAll(async () => {
    server = await start();
  });
  afterAll(() => server?.[Symbol.asyncDispose]());
  return {
    get server() {
      if (server === undefined) throw new Error("the server is not running");
      return server;
    },
  };
}

function putsAndReads(peer: { readonly server: WebServer }): void {
  it.each([1, 65_537, 3 * mebibyte])("is given %d bytes by PUT and keeps them", async (length) => {
    await using client = clientWith();
    expect(await pushed(client, deviceAt(peer.server.url, "/free/fw.bin"), length)).toMatch(/^20[14]$/);
    expect(await peer.server.file("free/fw.bin")).toEqual({ length, digest: digestOf(length) });
  });
}

function overTls(peer: { readonly server: WebServer }): void {
  it("is spoken to over TLS, and only with a certificate that is trusted", async () => {
    const device = deviceAt(peer.server.url, "/free/fw.bin");
    await using trusting = clientWith(undefined, { tls: { ca: authority.cert } });
    expect(await pushed(trusting, device)).toMatch(/^20[14]$/);
    expect(await peer.server.file("free/fw.bin")).toEqual({ length: 3 * mebibyte, digest: digestOf(3 * mebibyte) });
    await using strict = clientWith();
    expect(await pushed(strict, deviceAt(peer.server.url, "/free/other.bin"))).toMatch(/^tls_failed/);
    expect(await peer.server.file("free/other.bin")).toBeUndefined();
  });
}

/** A login by Digest: shown, refused, and never at the cost of the artifact. */
function digestLogin(peer: { readonly server: WebServer }, folder: string): void {
  const path = `/${folder}/fw.bin`;

  it("is shown the login before the artifact, which is sent once", async () => {
    await using relay = await startRelay(peer.server.port);
    await using client = clientWith(login);
    for (let times = 0; times < 3; times++) expect(await pushed(client, deviceAt(relay.url, path))).toMatch(/^20[14]$/);
    expect(await peer.server.file(path)).toEqual({ length: 3 * mebibyte, digest: digestOf(3 * mebibyte) });
    expect(relay.sent()).toBeGreaterThan(9 * mebibyte);
    expect(relay.sent()).toBeLessThan(9 * mebibyte + 20_000);
  });

  it("refuses a wrong password before the artifact leaves twice, and none before it is of any use", async () => {
    await using relay = await startRelay(peer.server.port);
    const other = deviceAt(relay.url, `/${folder}/refused.bin`);
    await using wrong = clientWith(stranger);
    expect(await pushed(wrong, other)).toMatch(/^refused: .*does not take this login/);
    expect(relay.sent()).toBeLessThan(3 * mebibyte + 20_000);
    await using none = clientWith();
    expect(await pushed(none, other)).toMatch(/^refused: /);
    expect(relay.sent()).toBeLessThan(6 * mebibyte + 40_000);
    expect(await peer.server.file(`${folder}/refused.bin`)).toBeUndefined();
  });

  it("is read and known by its login", async () => {
    await peer.server.put(`${folder}/version.json`, '{"version":"1.4.0"}');
    const device = deviceAt(peer.server.url, path);
    await using client = clientWith(login);
    expect(await client.inspect(device)).toMatchObject({ version: "1.4.0", identity: "credential" });
    await using wrong = clientWith(stranger);
    await expect(wrong.inspect(device)).rejects.toMatchObject({ code: "refused", phase: "inspect" });
  });
}

const parted: DeliveryOptions = { resume: "content-range", part: 4 * mebibyte };

function resumes(peer: { readonly server: WebServer }, folder: string, credentials?: Credentials): void {
  const path = `/${folder}/parts.bin`;
  const whole = { length: bytes.length, digest: digestOf(bytes.length) };
  // What is read where nobody knows what became of a first part.
  beforeAll(() => peer.server.put(`${folder}/version.json`, '{"version":"1.0.0"}'));
  // Each cut costs at most one part.
  const most = (relay: Relay) => bytes.length + relay.cuts() * 4 * mebibyte + 40_000;

  it("goes on where the line was cut, three times, over an older and longer file", async () => {
    await peer.server.put(path, new Uint8Array(30 * mebibyte).fill(7));
    await using relay = await startRelay(peer.server.port);
    relay.cutAt(100_000, 6 * mebibyte, 17 * mebibyte);
    await using client = clientWith(credentials);
    expect(await pushed(client, deviceAt(relay.url, path, parted), bytes.length)).toMatch(/^20[14]$/);
    expect(await peer.server.file(path)).toEqual(whole);
    expect(relay.cuts()).toBe(3);
    expect(relay.sent()).toBeLessThan(most(relay));
  });

  it("goes on in another process with what was kept of the first", async () => {
    await using relay = await startRelay(peer.server.port);
    await using artifact = await open(bytes.length);
    const device = deviceAt(relay.url, path, parted);
    const tokens: ResumeToken[] = [];
    relay.cutAt(14 * mebibyte);
    {
      await using first = clientWith(credentials, { retry: { attempts: 1 } });
      const controller = new AbortController();
      const onResumable = (token: ResumeToken) => {
        tokens.push(token);
        if (token.offset > 10 * mebibyte) controller.abort();
      };
      await expect(first.push(device, artifact, { onResumable, signal: controller.signal })).rejects.toMatchObject({
        code: "aborted",
      });
    }
    const kept: ResumeToken = JSON.parse(JSON.stringify(tokens.at(-1)));
    expect(tokens.map(({ offset }) => offset)).toEqual([262_144, ...[1, 2, 3].map((n) => 262_144 + n * 4 * mebibyte)]);
    await using second = clientWith(credentials);
    const seen: number[] = [];
    await second.push(device, artifact, { resume: kept, onProgress: ({ sent }) => seen.push(sent) });
    expect(await peer.server.file(path)).toEqual(whole);
    expect(seen[0]).toBeGreaterThanOrEqual(kept.offset);
    expect(seen.at(-1)).toBe(bytes.length);
    expect(relay.sent()).toBeLessThan(most(relay));
  });

  it("begins anew when the file is gone, or is another by now", async () => {
    await using artifact = await open(bytes.length);
    const device = deviceAt(peer.server.url, path, parted);
    const tokens: ResumeToken[] = [];
    await using client = clientWith(credentials);
    await client.push(device, artifact, { onResumable: (token) => void tokens.push(token) });
    const resume = tokens[2];
    if (resume === undefined) throw new Error("there were too few parts");
    for (const other of ["short", new Uint8Array(bytes.length).fill(9)]) {
      await peer.server.put(path, other);
      await client.push(device, artifact, { resume });
      expect(await peer.server.file(path)).toEqual(whole);
    }
    const elsewhere = deviceAt(peer.server.url, `/${folder}/nothing-there.bin`, parted);
    await client.push(elsewhere, artifact, { resume: { ...resume, state: { path: `/${folder}/nothing-there.bin` } } });
    expect(await peer.server.file(`${folder}/nothing-there.bin`)).toEqual(whole);
  });
}

describePeer("nginx", ["nginx"], ({ nginx }) => {
  const peer = running(() => startNginx(nginx));
  putsAndReads(peer);

  it("is shown Basic over plain http only where the profile says so", async () => {
    await using client = clientWith(login);
    expect(await pushed(client, deviceAt(peer.server.url, "/basic/fw.bin"))).toMatch(
      /^refused: .*wants Basic.*plain http.*options\.auth to basic/,
    );
    expect(await peer.server.file("basic/fw.bin")).toBeUndefined();
    expect(await pushed(client, deviceAt(peer.server.url, "/basic/fw.bin", { auth: "basic" }))).toBe("201");
    expect(await peer.server.file("basic/fw.bin")).toEqual({ length: 3 * mebibyte, digest: digestOf(3 * mebibyte) });
  });

  it("refuses a wrong password", async () => {
    await using client = clientWith(stranger);
    const device = deviceAt(peer.server.url, "/basic/refused.bin", { auth: "basic" });
    expect(await pushed(client, device)).toMatch(/^refused: .*does not take this login/);
    expect(await peer.server.file("basic/refused.bin")).toBeUndefined();
  });

  it("is shown a token with every request, and refuses another", async () => {
    await peer.server.put("bearer/version.json", '{"version":"1.4.0"}');
    await using client = clientWith({ token: new Secret(token) });
    const device = deviceAt(peer.server.url, "/bearer/fw.bin");
    expect(await pushed(client, device)).toBe("201");
    expect(await peer.server.file("bearer/fw.bin")).toEqual({ length: 3 * mebibyte, digest: digestOf(3 * mebibyte) });
    // What is shown unasked proves nothing of who took it.
    expect(await client.inspect(device)).toMatchObject({ version: "1.4.0", identity: "address" });
    await using wrong = clientWith({ token: new Secret("CANARY") });
    const other = deviceAt(peer.server.url, "/bearer/refused.bin");
    expect(await pushed(wrong, other)).toMatch(/^refused: .*does not take this login/);
    await expect(wrong.inspect(other)).rejects.toMatchObject({ code: "refused", reply: { status: 401 } });
    expect(await peer.server.file("bearer/refused.bin")).toBeUndefined();
  });

  it("takes no parts (501), and is then sent the whole: one small part was in vain", async () => {
    await using relay = await startRelay(peer.server.port);
    await using client = clientWith();
    expect(await pushed(client, deviceAt(relay.url, "/free/parts.bin", parted), bytes.length)).toMatch(/^20[14]$/);
    expect(await peer.server.file("free/parts.bin")).toEqual({ length: bytes.length, digest: digestOf(bytes.length) });
    // The first part, the second that was refused, and the whole.
    expect(relay.sent()).toBeLessThan(bytes.length + 262_144 + 4 * mebibyte + 40_000);
  });

  describe("over https", () => {
    const secure = running(() => startNginx(nginx, authority.issue()));
    overTls(secure);

    it("is shown Basic when it asks for it", async () => {
      await secure.server.put("basic/version.json", '{"version":"1.4.0"}');
      await using client = clientWith(login, { tls: { ca: authority.cert } });
      const device = deviceAt(secure.server.url, "/basic/fw.bin");
      expect(await pushed(client, device)).toBe("201");
      expect(await client.inspect(device)).toMatchObject({ version: "1.4.0", identity: "tls" });
    });
  });
});

describePeer("Apache", ["apache2"], ({ apache2 }) => {
  const peer = running(() => startApache(apache2));
  putsAndReads(peer);
  describe("with Digest by MD5", () => digestLogin(peer, "digest"));
  describe("in parts", () => resumes(peer, "free"));
  describe("in parts and with Digest", () => resumes(peer, "digest", login));
  describe("over https", () => overTls(running(() => startApache(apache2, authority.issue()))));
});

describePeer("lighttpd", ["lighttpd"], ({ lighttpd }) => {
  const peer = running(() => startLighttpd(lighttpd));
  putsAndReads(peer);
  describe("with Digest by SHA-256", () => digestLogin(peer, "sha256"));
  describe("with Digest by MD5", () => digestLogin(peer, "md5"));
  describe("in parts", () => resumes(peer, "free"));
});
