import { once } from "node:events";
import { existsSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { createCertificateAuthority } from "../mocks/index.ts";
import { httpProbe } from "../src/delivery/http/index.ts";
import { type SwupdateOptions, swupdate } from "../src/delivery/swupdate/index.ts";
import { type ClientEvent, type ClientOptions, type Device, openArtifact, Secret } from "../src/index.ts";
import { fastClient } from "./kit.ts";
import { describePeer } from "./peers/peer.ts";
import { type SwuOptions, type SwupdatePeer, startSwupdatePeer, Workshop } from "./peers/swupdate.ts";

// A watchdog, not a bound: a device that is busy with the update before is waited for, and a loaded machine makes it slow.
vi.setConfig({ testTimeout: 120_000 });

describePeer("swupdate", ["swupdate", "cpio", "openssl"], (programs) => {
  let workshop: Workshop;
  let peer: SwupdatePeer;
  beforeAll(async () => {
    workshop = await Workshop.open(programs);
    peer = await startSwupdatePeer(programs.swupdate, { workshop });
  }, 60_000);
  afterAll(async () => {
    await peer?.[Symbol.asyncDispose]();
    await workshop?.[Symbol.asyncDispose]();
  });

  /** The version is a file in the document root of its web server, which the image writes once it is installed. */
  const probers = [httpProbe({ inspect: { path: "/version.json" }, health: false })];
  /** For a moment after a verdict a real device still says that it is busy. */
  const retry = { attempts: 40, base: 5, cap: 200, busyBase: 100, quietPeriod: 20 };
  const clientFor = (options: SwupdateOptions = {}, more: ClientOptions = {}) =>
    // A device that hangs is told by name within the watchdog, not by it.
    fastClient({ deliveries: [swupdate(options)], probers, retry, timeouts: { stall: 20_000 }, ...more });
  const at = (url: string): Device => ({ id: "board-1", address: url, delivery: "swupdate", probe: "http" });
  const unread = (url: string): Device => ({ id: "board-1", address: url, delivery: "swupdate" });

  /** Without those to which it said that it is still busy with the one before, and of which it took nothing. */
  const attemptsTaken = (events: readonly ClientEvent[]) =>
    events.reduce((taken, event) => {
      if (event.type === "attempt-started") return taken + 1;
      return event.type === "attempt-failed" && event.error.code === "device_busy" ? taken - 1 : taken;
    }, 0);

  const image = async (options: SwuOptions, told = peer) => {
    const after = told.tells(options.version);
    return openArtifact(await workshop.image({ after, ...options }), { version: options.version });
  };

  it("installs a good image, and the version is seen", async () => {
    await using client = clientFor();
    await using artifact = await image({ version: "2.0.0" });
    const outcome = await client.update(at(peer.url), artifact);
    expect(outcome).toMatchObject({
      status: "updated",
      attempts: 1,
      receipt: { status: 200, acknowledgedBy: "reply", activated: true, before: { version: "1.0.0" } },
      evidence: { proved: "version", version: "2.0.0" },
    });
    // By itself: the web server has the restart command run once the image is in.
    await expect.poll(() => peer.restarts()).toBe(1);
    expect(await client.update(at(peer.url), artifact)).toMatchObject({ status: "skipped" });
  });

  it("takes one image after another from one client", async () => {
    await using client = clientFor();
    for (const version of ["2.0.1", "2.0.2"]) {
      await using artifact = await image({ version });
      expect(await client.update(at(peer.url), artifact)).toMatchObject({ status: "updated", attempts: 1 });
    }
  });

  it("sends a large image through the same bytes", async () => {
    await using client = clientFor();
    await using artifact = await image({ version: "2.1.0", bytes: 40_000_000 });
    expect(await client.update(at(peer.url), artifact)).toMatchObject({
      status: "updated",
      receipt: { bytes: artifact.length },
    });
  });

  it.each<readonly [string, Partial<SwuOptions>, RegExp]>([
    ["a wrong digest inside", { flaw: "digest" }, /HASH mismatch/],
    ["a bad signature", { flaw: "signature" }, /[Ss]ignature/],
    ["a bad signature on a large image", { flaw: "signature", bytes: 60_000_000 }, /[Ss]ignature/],
    ["a script that fails", { before: "exit 1" }, /preinstall scripts failed/],
  ])("says no to %s, for certain and once", async (_, flaw, words) => {
    const events: ClientEvent[] = [];
    await using client = clientFor({}, { onEvent: (event) => events.push(event) });
    await using artifact = await image({ version: "6.6.6", ...flaw });
    const outcome = await client.update(at(peer.url), artifact);
    expect(outcome).toMatchObject({ status: "failed", error: { code: "device_error", phase: "settle" } });
    if (outcome.status !== "failed") return;
    expect(outcome.error.reply?.excerpt).toMatch(words);
    expect(outcome.error.message).not.toMatch(words);
    expect(attemptsTaken(events)).toBe(1);
    expect(await client.inspect(at(peer.url))).toMatchObject({ version: expect.not.stringContaining("6.6.6") });
    // A push without a probe knows as much, where the image was refused before its answer.
    if (flaw.flaw !== "signature") return;
    const pushed = client.push(unread(peer.url), artifact);
    await expect(pushed).rejects.toMatchObject({ code: "device_error", phase: "settle" });
    expect(attemptsTaken(events)).toBe(2);
  });

  it("stays usable after a stall", async () => {
    await using client = clientFor({}, { retry: { attempts: 1 } });
    await using artifact = await image({ version: "2.2.0" });
    const stalled = client.push(unread(peer.url), artifact, { bytesPerSecond: 10_000 });
    await expect(stalled).rejects.toMatchObject({ code: "device_error", phase: "settle", retryable: true });
    await using patient = clientFor();
    expect(await patient.update(at(peer.url), artifact)).toMatchObject({ status: "updated" });
  });

  it("stays usable after the caller has left in the middle", async () => {
    await using client = clientFor();
    await using artifact = await image({ version: "2.3.0", bytes: 30_000_000 });
    const controller = new AbortController();
    const onProgress = ({ sent }: { readonly sent: number }) => sent > 5_000_000 && controller.abort();
    const cut = client.push(unread(peer.url), artifact, { signal: controller.signal, onProgress });
    await expect(cut).rejects.toMatchObject({ code: "aborted", bytesOut: "some" });
    expect(await client.update(at(peer.url), artifact)).toMatchObject({ status: "updated" });
  });

  it("is sent an image again that was cut on its way, once it has failed", async () => {
    await using client = clientFor();
    await using artifact = await image({ version: "2.4.0", bytes: 30_000_000 });
    await using way = await startWay(peer.url, { cutAt: 10_000_000 });
    const outcome = await client.update(at(way.url), artifact);
    expect(outcome).toMatchObject({ status: "updated", evidence: { version: "2.4.0" } });
    expect(outcome.attempts).toBeGreaterThan(1);
    expect(way.cuts()).toBe(1);
  });

  it("is not sent it twice where only the answer was lost", async () => {
    await using client = clientFor();
    await using artifact = await image({ version: "2.5.0", bytes: 5_000_000 });
    await using way = await startWay(peer.url, { loseAnswerAfter: 5_000_000 });
    const outcome = await client.update(at(way.url), artifact);
    expect(outcome).toMatchObject({
      status: "updated",
      attempts: 1,
      receipt: { status: 0, acknowledgedBy: "verdict" },
      evidence: { version: "2.5.0" },
    });
    expect(way.cuts()).toBe(1);
  });

  it("takes one of two at once, and the other afterwards", async () => {
    await using one = clientFor();
    await using two = clientFor();
    await using hasty = clientFor({}, { retry: { attempts: 1 } });
    const mark = join(workshop.folder, "installing");
    await using slow = await image({ version: "2.6.0", before: `touch ${mark}; sleep 2` });
    await using next = await image({ version: "2.7.0" });
    const first = one.update(at(peer.url), slow);
    await expect.poll(() => existsSync(mark)).toBe(true);
    await expect(hasty.push(unread(peer.url), next)).rejects.toMatchObject({ code: "device_busy", bytesOut: "none" });
    const second = await two.push(unread(peer.url), next);
    expect(await first).toMatchObject({ status: "updated", evidence: { version: "2.6.0" } });
    expect(second.attempts).toBeGreaterThan(1);
  });

  it("restarts when it is told to, after the install", async () => {
    await using own = await startSwupdatePeer(programs.swupdate, { workshop });
    await using client = clientFor({ restart: true });
    await using artifact = await image({ version: "2.8.0", before: "sleep 1" }, own);
    expect(await client.push(unread(own.url), artifact)).toMatchObject({ activated: true });
    // Once by itself, and once as told.
    await expect.poll(() => own.restarts()).toBe(2);
    await using again = await image({ version: "2.9.0" }, own);
    expect(await client.push(unread(own.url), again, { activate: false })).toMatchObject({ activated: false });
    await using last = await image({ version: "2.9.1" }, own);
    expect(await client.update(at(own.url), last)).toMatchObject({ status: "updated", receipt: { activated: true } });
  });

  it("is refused where the paths are not its own", async () => {
    await using client = clientFor();
    await using artifact = await image({ version: "3.0.0" });
    const wrong = { ...unread(peer.url), profile: { send: { path: "/nowhere" } } };
    await expect(client.push(wrong, artifact)).rejects.toMatchObject({
      code: "refused",
      bytesOut: "none",
      reply: { status: 404 },
    });
    expect(await client.update(unread(peer.url), artifact)).toMatchObject({
      status: "failed",
      error: { code: "no_probe" },
    });
  });

  describe("behind TLS and Digest", () => {
    const { key, cert, pin } = createCertificateAuthority().issue();
    const login = { username: "operator", password: "correct horse" };
    let secure: SwupdatePeer;
    beforeAll(async () => {
      secure = await startSwupdatePeer(programs.swupdate, { workshop, tls: { key, cert }, login });
    });
    afterAll(() => secure?.[Symbol.asyncDispose]());

    const credentials = (password: string) => ({
      credentials: () => ({ username: login.username, password: new Secret(password) }),
    });

    it("logs in to the websocket, the upload, the restart and the version", async () => {
      await using client = clientFor({ restart: true }, credentials(login.password));
      await using artifact = await image({ version: "2.0.0", bytes: 20_000_000 }, secure);
      const outcome = await client.update({ ...at(secure.url), pins: [pin] }, artifact);
      expect(outcome).toMatchObject({
        status: "updated",
        attempts: 1,
        receipt: { status: 200, activated: true },
        evidence: { version: "2.0.0", identity: "pin" },
      });
    });

    it("is told a wrong login before anything is sent", async () => {
      await using artifact = await image({ version: "6.6.6" }, secure);
      for (const options of [credentials("wrong"), {}]) {
        await using client = clientFor({}, options);
        const push = client.push({ ...unread(secure.url), pins: [pin] }, artifact);
        await expect(push).rejects.toMatchObject({ code: "refused", bytesOut: "none", reply: { status: 401 } });
      }
    });
  });
});

interface Way extends AsyncDisposable {
  readonly url: string;
  readonly cuts: () => number;
}

/** A way to the peer that breaks once: in the middle of what is sent, or at the answer to so many bytes. */
async function startWay(to: string, how: { readonly cutAt?: number; readonly loseAnswerAfter?: number }): Promise<Way> {
  const { cutAt = Number.POSITIVE_INFINITY, loseAnswerAfter = Number.POSITIVE_INFINITY } = how;
  const { hostname: host, port } = new URL(to);
  const sockets = new Set<Socket>();
  let cuts = 0;
  const server = createServer((near) => {
    const far = connect({ host, port: Number(port) });
    let sent = 0;
    const cut = () => {
      cuts++;
      near.resetAndDestroy();
      far.resetAndDestroy();
    };
    near.on("data", (data: Buffer) => {
      sent += data.length;
      if (sent > cutAt && cuts === 0) return cut();
      if (!far.write(data)) near.pause();
    });
    far.on("drain", () => near.resume());
    far.on("data", (data: Buffer) => (sent > loseAnswerAfter && cuts === 0 ? cut() : near.write(data)));
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        sockets.delete(socket);
        (socket === near ? far : near).destroy();
      });
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`,
    cuts: () => cuts,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
