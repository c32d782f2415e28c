import { EventEmitter, once } from "node:events";
import { connect, type Socket } from "node:net";
import { expect, it } from "vitest";
import { Connection, type ConnectionOwner } from "./connection.ts";
import { createDialers, type Dial } from "./connector.ts";
import type { Exchange } from "./exchange.ts";
import { resolveOptions, type TransportOptions } from "./options.ts";
import type { Peer } from "./peer.ts";
import { answering, serve } from "./rig.suite.ts";

const peerAt = (url: string): Peer => {
  const { hostname } = new URL(url);
  const origin = { text: url, secure: false, host: hostname, literal: true };
  return { key: url, origin, pins: undefined, identity: "none", idle: undefined, connections: 0 };
};

/** Runs one GET over a connection whose socket comes from `dial`; resolves with what undici told the exchange. */
async function run(url: string, options: TransportOptions, dial: (settings: ConnectionOwner["settings"]) => Dial) {
  const settings = resolveOptions(options);
  const counts = { opened: 0, failed: 0 };
  const owner: ConnectionOwner = {
    settings,
    dialer: () => dial(settings),
    opened: () => counts.opened++,
    failed: () => counts.failed++,
    closed: () => undefined,
  };
  const told = new EventEmitter();
  const exchange = {
    started: false,
    onRequestStart() {
      this.started = true;
    },
    onResponseStart: () => undefined,
    onResponseData: () => undefined,
    onResponseEnd: () => told.emit("end", undefined),
    onResponseError: (_: unknown, error: unknown) => told.emit("end", error),
  };
  const ended = once(told, "end");
  const connection = new Connection(peerAt(url), owner);
  connection.run(exchange as unknown as Exchange, { method: "GET", path: "/" });
  const [error] = await ended;
  connection.close();
  return { error, counts };
}

it("looks again at the address that was really connected to", async () => {
  await using server = await serve(answering());
  const plain = (settings: ConnectionOwner["settings"]) => createDialers(settings).plain;
  const denied = await run(server.url, {}, plain);
  expect(denied.error).toMatchObject({ code: "address_denied", message: expect.stringContaining("loopback") });
  expect(denied.counts).toEqual({ opened: 0, failed: 1 });
  const permitted = await run(server.url, { addressPolicy: { permit: ["127.0.0.1"] } }, plain);
  expect(permitted).toEqual({ error: undefined, counts: { opened: 1, failed: 0 } });
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
  const { error, counts } = await run(server.url, {}, () => closing);
  expect(error).toMatchObject({ code: "ECONNRESET" });
  expect(counts).toEqual({ opened: 0, failed: 1 });
});
