import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { errors } from "undici";
import { expect, it } from "vitest";
import { Connection, type ConnectionOwner } from "./connection.ts";
import { createDialers, type Dial } from "./connector.ts";
import type { Exchange } from "./exchange.ts";
import { resolveOptions, type TransportOptions } from "./options.ts";
import type { Peer } from "./peer.ts";
import { answering, CountedChunks, serve } from "./rig.suite.ts";

const peerAt = (url: string): Peer => {
  const { hostname } = new URL(url);
  const origin = { text: url, secure: false, host: hostname, literal: true };
  return { key: url, origin, pins: undefined, identity: "none", idle: undefined, connections: 0 };
};

type Settings = ConnectionOwner["settings"];
type Request = Parameters<Connection["run"]>[1];

/** One request on a connection of its own. `told` resolves with what undici told the exchange in the end. */
function run(
  url: string,
  options: TransportOptions,
  dial: (settings: Settings) => Dial,
  changes: Partial<Request> = {},
) {
  const settings = resolveOptions(options);
  const counts = { opened: 0, failed: 0 };
  const owner: ConnectionOwner = {
    settings,
    dialer: () => dial(settings),
    opened: () => counts.opened++,
    failed: () => counts.failed++,
    closed: () => undefined,
  };
  const { promise: told, resolve } = Promise.withResolvers<unknown>();
  const exchange = {
    started: false,
    onRequestStart() {
      this.started = true;
    },
    onResponseStart: () => undefined,
    onResponseData: () => undefined,
    onResponseEnd: () => resolve(undefined),
    onResponseError: (_: unknown, error: unknown) => resolve(error),
  };
  const connection = new Connection(peerAt(url), owner);
  connection.run(exchange as unknown as Exchange, { method: "GET", path: "/", ...changes });
  return { connection, counts, told };
}

const plain = (settings: Settings) => createDialers(settings).plain;
const permitted = { addressPolicy: { permit: ["127.0.0.1"] } };

it("looks again at the address that was really connected to", async () => {
  await using server = await serve(answering());
  const strict = run(server.url, {}, plain);
  expect(await strict.told).toMatchObject({ code: "address_denied", message: expect.stringContaining("loopback") });
  expect(strict.counts).toEqual({ opened: 0, failed: 1 });
  const open = run(server.url, permitted, plain);
  expect(await open.told).toBeUndefined();
  expect(open.counts).toEqual({ opened: 1, failed: 0 });
  for (const { connection } of [strict, open]) connection.close();
});

it("takes a socket that closed as it opened for a failure, once", async () => {
  await using server = await serve(answering());
  const closing: Dial = ({ port }, callback) => {
    const socket: Socket = connect(Number(port), "127.0.0.1", () => {
      socket.destroy();
      callback(null, socket);
    });
    return socket;
  };
  const { connection, counts, told } = run(server.url, permitted, () => closing);
  expect(await told).toMatchObject({ code: "ECONNRESET" });
  expect(counts).toEqual({ opened: 0, failed: 1 });
  connection.close();
});

it("opens no second socket for a request that began to be written, even where undici asks for one", async () => {
  await using server = await serve();
  const accepted = server.connection();
  const { connection, counts, told } = run(server.url, permitted, plain);
  await once(await accepted, "data");
  // With an error of this kind undici holds the request to be unsent, and starts over.
  connection.socket?.destroy(new errors.InformationalError("as if"));
  expect(await told).toMatchObject({ message: "a request is never sent twice" });
  expect(counts).toEqual({ opened: 1, failed: 0 });
  expect(server.sockets).toHaveLength(1);
  connection.close();
});

it("lets undici's writer end when it closes under a body", async () => {
  await using server = await serve((socket) => socket.pause());
  const accepted = server.connection();
  const body = new CountedChunks(50_000_000) as unknown as Request["body"] & object;
  const { connection } = run(server.url, permitted, plain, {
    method: "POST",
    body,
    headers: ["content-length", "50000000"],
  });
  await once(await accepted, "readable");
  const socket = connection.socket as Socket;
  expect(socket.listenerCount("drain")).toBe(1);
  connection.close();
  await expect.poll(() => socket.listenerCount("drain")).toBe(0);
});
