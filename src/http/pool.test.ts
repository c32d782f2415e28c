import { once } from "node:events";
import type { Socket } from "node:net";
import { describe, expect, it } from "vitest";
import type { Connection } from "./connection.ts";
import { resolveOptions } from "./options.ts";
import type { Peer } from "./peer.ts";
import { Pool } from "./pool.ts";
import {
  answer,
  answering,
  failure,
  loopback,
  onRequests,
  type RawServer,
  request,
  StillClock,
  serve,
} from "./rig.suite.ts";

/** Servers on 127.0.0.1, .2, … with one port: as many devices as wanted. */
async function devices(count: number, onConnection: (socket: Socket, index: number) => void): Promise<RawServer[]> {
  const first = await serve(onConnection);
  const rest = Array.from({ length: count - 1 }, (_, i) =>
    serve(onConnection, { host: `127.0.0.${i + 2}`, port: first.port }),
  );
  return [first, ...(await Promise.all(rest))];
}

describe("keeping connections", () => {
  it("makes 1,000 GETs over one connection", async () => {
    await using server = await serve(answering());
    await using transport = loopback();
    for (let i = 0; i < 1000; i++) await transport.exchange(server.url, request());
    expect(server.sockets).toHaveLength(1);
    expect(transport.statistics()).toEqual({
      connections: 1,
      inFlight: 0,
      opened: 1,
      reused: 999,
      evicted: 0,
      failed: 0,
    });
  });

  it("opens one connection per exchange in flight, and uses the latest again", async () => {
    await using server = await serve(answering());
    await using transport = loopback();
    await Promise.all(Array.from({ length: 5 }, () => transport.exchange(server.url, request())));
    expect(server.sockets).toHaveLength(5);
    const used = server.sockets.map((socket) => socket.bytesRead);
    for (let i = 0; i < 3; i++) await transport.exchange(server.url, request());
    expect(server.sockets).toHaveLength(5);
    expect(server.sockets.filter((socket, i) => socket.bytesRead > (used[i] ?? 0))).toHaveLength(1);
  });

  it("closes after the answer when asked to", async () => {
    const heads: string[] = [];
    await using server = await serve((socket) =>
      onRequests(socket, ({ head }) => {
        heads.push(head);
        socket.write(answer(200));
      }),
    );
    await using transport = loopback();
    await transport.exchange(server.url, request({ keepAlive: false }));
    await transport.exchange(server.url, request({ keepAlive: false }));
    expect(server.sockets).toHaveLength(2);
    expect(heads[0]).toContain("connection: close");
    expect(transport.statistics()).toMatchObject({ connections: 0, opened: 2, reused: 0 });
  });

  it("does not use a connection again that the device closes after its answer", async () => {
    await using server = await serve((socket) =>
      onRequests(socket, () => socket.end(answer(200, "ok", "connection: close\r\n"))),
    );
    await using transport = loopback();
    for (let i = 0; i < 5; i++) expect((await transport.exchange(server.url, request())).status).toBe(200);
    expect(server.sockets).toHaveLength(5);
    expect(transport.statistics()).toMatchObject({ opened: 5, reused: 0, failed: 0, evicted: 0 });
  });

  it("notices a connection that the device closed while it was idle", async () => {
    await using server = await serve(answering());
    await using transport = loopback();
    for (let i = 0; i < 5; i++) {
      await transport.exchange(server.url, request());
      expect(transport.statistics().connections).toBe(1);
      const socket = server.sockets[i] as Socket;
      socket.end();
      await once(socket, "close");
    }
    expect(server.sockets).toHaveLength(5);
    expect(transport.statistics()).toMatchObject({ opened: 5, evicted: 0 });
  });

  it("closes what is idle when it is released: all of one peer, none of another, and nothing in use", async () => {
    const [one, other] = (await devices(2, (socket, index) => {
      onRequests(socket, ({ head }) => {
        if (!head.startsWith("GET /held")) socket.write(answer(200, `${index}`));
      });
    })) as [RawServer, RawServer];
    await using _ = one;
    await using __ = other;
    await using transport = loopback();
    transport.release(one.url);
    await Promise.all([1, 2, 3].map(() => transport.exchange(one.url, request())));
    await transport.exchange(other.url, request());
    const held = failure(transport.exchange(one.url, request({ path: "/held" })));
    await new Promise(setImmediate);
    const ended = Promise.all(one.sockets.slice(0, 2).map((socket) => once(socket, "close")));
    transport.release(one.url);
    await ended;
    expect(transport.statistics()).toMatchObject({ connections: 2, inFlight: 1, opened: 4, evicted: 0, failed: 0 });
    await transport.exchange(one.url, request());
    await transport.exchange(other.url, request());
    expect([one.sockets.length, other.sockets.length]).toEqual([4, 1]);
    await transport[Symbol.asyncDispose]();
    expect(await held).toMatchObject({ code: "client_closed" });
  });

  it("opens another one for a request that waits when the old one is found dead", async () => {
    await using server = await serve(answering());
    await using transport = loopback();
    await transport.exchange(server.url, request());
    // undici looks at a kept socket one turn later; from here the loop polls in between, so the news is in time.
    await new Promise(setImmediate);
    (server.sockets[0] as Socket).destroy();
    expect((await transport.exchange(server.url, request())).status).toBe(200);
    expect(server.sockets).toHaveLength(2);
    expect(transport.statistics()).toMatchObject({ connections: 1, opened: 2, reused: 0 });
  });

  it.each(["GET", "POST"])(
    "says that nothing left when the kernel refuses a %s on a dead connection",
    async (method) => {
      await using server = await serve(answering());
      await using transport = loopback();
      await transport.exchange(server.url, request({ method }));
      const body = method === "POST" ? { body: Buffer.from("x") } : {};
      const next = failure(transport.exchange(server.url, request({ method, ...body })));
      // In this very turn, before the write and after undici last looked.
      (server.sockets[0] as Socket).resetAndDestroy();
      expect(await next).toMatchObject({ code: "connection_lost", bytesOut: "none", retryable: true });
      expect(server.sockets).toHaveLength(1);
    },
  );

  it.each(["GET", "POST", "PUT"])("never sends a %s twice when a kept connection dies under it", async (method) => {
    let requests = 0;
    await using server = await serve((socket) =>
      onRequests(socket, () => {
        if (++requests === 1) socket.write(answer(200));
        else socket.resetAndDestroy();
      }),
    );
    await using transport = loopback();
    await transport.exchange(server.url, request({ method }));
    const error = await failure(transport.exchange(server.url, request({ method, phase: "send" })));
    expect(error).toMatchObject({ code: "connection_lost", phase: "send", bytesOut: "all", retryable: true });
    expect(requests).toBe(2);
    expect(server.sockets).toHaveLength(1);
    expect(transport.statistics()).toMatchObject({ connections: 0, inFlight: 0, opened: 1, reused: 1 });
  });
});

describe("bounds", () => {
  it("closes the longest idle connection when there are too many", async () => {
    const servers = await devices(4, answering());
    await using transport = loopback({ limits: { connections: 2 } });
    const [a, b, c] = servers as [RawServer, RawServer, RawServer];
    await transport.exchange(a.url, request());
    await transport.exchange(b.url, request());
    await transport.exchange(a.url, request());
    await transport.exchange(c.url, request());
    expect(transport.statistics()).toMatchObject({ connections: 2, evicted: 1 });
    await transport.exchange(a.url, request());
    expect([a, b, c].map((server) => server.sockets.length)).toEqual([1, 1, 1]);
    await transport.exchange(b.url, request());
    expect([a, b, c].map((server) => server.sockets.length)).toEqual([1, 2, 1]);
    expect(transport.statistics()).toMatchObject({ connections: 2, opened: 4, reused: 2, evicted: 2 });
    for (const server of servers) await server.close();
  });

  it("lets exchanges wait in order when all connections are in use", async () => {
    const order: string[] = [];
    const servers = await devices(6, (socket) =>
      onRequests(socket, ({ head }) => {
        order.push(head.slice(0, head.indexOf(" HTTP")));
        setImmediate(() => socket.write(answer(200)));
      }),
    );
    await using transport = loopback({ limits: { connections: 1 } });
    const all = servers.map((server, i) => transport.exchange(server.url, request({ path: `/${i}` })));
    expect(transport.statistics().inFlight).toBe(1);
    await Promise.all(all);
    expect(order).toEqual(servers.map((_, i) => `GET /${i}`));
    expect(transport.statistics()).toMatchObject({ connections: 1, inFlight: 0, opened: 6, evicted: 5 });
    for (const server of servers) await server.close();
  });

  it("lets nobody pass those who wait", async () => {
    const order: string[] = [];
    await using server = await serve((socket) =>
      onRequests(socket, ({ head }) => {
        order.push(head.slice(0, head.indexOf(" HTTP")));
        socket.write(answer(200));
      }),
    );
    await using transport = loopback({ limits: { connections: 1 } });
    const path = (name: string) => transport.exchange(server.url, request({ path: name }));
    let third: Promise<unknown> | undefined;
    const first = transport.exchange(server.url, request({ path: "/1" }), () => {
      third = path("/3");
    });
    await Promise.all([first, path("/2")]);
    await third;
    expect(order).toEqual(["GET /1", "GET /2", "GET /3"]);
  });

  it("forgets a peer with its last connection", () => {
    const pool = new Pool(resolveOptions({}));
    const origin = { text: "http://10.0.0.1", secure: false, host: "10.0.0.1", literal: true };
    const peer: Peer = { key: "k", origin, pins: undefined, identity: "none", idle: undefined, connections: 0 };
    const [a, b] = [pool.take(peer), pool.take(peer)] as [Connection, Connection];
    expect(pool.peer("k")).toBe(peer);
    pool.giveBack(a);
    pool.closed(a, false);
    expect(pool.peer("k")).toBe(peer);
    pool.discard(b);
    pool.discard(b);
    expect(pool.peer("k")).toBeUndefined();
    expect(peer).toMatchObject({ idle: undefined, connections: 0 });
  });

  it("ends a wait for a connection by the caller and by the deadline", async () => {
    const clock = new StillClock();
    await using server = await serve();
    await using transport = loopback({ limits: { connections: 1 }, clock });
    const accepted = server.connection();
    const held = failure(transport.exchange(server.url, request({ deadline: clock.now() + 60_000 })));
    await accepted;
    const controller = new AbortController();
    const waiting = { deadline: clock.now() + 5000 };
    const aborted = failure(transport.exchange(server.url, request({ ...waiting, signal: controller.signal })));
    const late = failure(transport.exchange(server.url, request(waiting)));
    controller.abort();
    expect(await aborted).toMatchObject({ code: "aborted", bytesOut: "none" });
    clock.advance(5000);
    expect(await late).toMatchObject({ code: "deadline_exceeded", bytesOut: "none" });
    expect(transport.statistics().inFlight).toBe(1);
    await transport[Symbol.asyncDispose]();
    expect(await held).toMatchObject({ code: "client_closed" });
    expect(server.sockets).toHaveLength(1);
  });

  it("closes an idle connection after the idle timeout", async () => {
    await using server = await serve(answering());
    await using transport = loopback({ idleTimeout: 20 });
    await transport.exchange(server.url, request());
    await once(server.sockets[0] as Socket, "close");
    await expect.poll(() => transport.statistics()).toMatchObject({ connections: 0, evicted: 1 });
  });

  it("takes a device at its word when it keeps connections shorter", async () => {
    await using server = await serve(answering("ok", "keep-alive: timeout=1\r\n"));
    await using transport = loopback();
    await transport.exchange(server.url, request());
    await transport.exchange(server.url, request());
    expect(server.sockets).toHaveLength(2);
  });
});
