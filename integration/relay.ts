import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

/** Stands between a client and a real device: counts what the client sends, and cuts the line where it is told to. */
export interface Relay extends AsyncDisposable {
  readonly url: string;
  /** Bytes that the client sent, in all. */
  sent(): number;
  /** Cuts, both ways, the connection that brings the client's bytes in all to a count. Counts queue up, rising. */
  cutAt(...counts: readonly number[]): void;
  /** How many lines were cut. */
  cuts(): number;
}

/** Between loopback and a port of it, for plain http. */
export async function startRelay(port: number): Promise<Relay> {
  const sockets = new Set<Socket>();
  const pending: number[] = [];
  let sent = 0;
  let cuts = 0;
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {}).on("close", () => sockets.delete(socket));
    return socket;
  };
  const server = createServer((client) => {
    const device = keep(connect(port, "127.0.0.1"));
    keep(client);
    client.on("data", (piece: Buffer) => {
      const before = sent;
      sent += piece.length;
      const [next] = pending;
      if (next !== undefined && sent >= next) {
        pending.shift();
        cuts++;
        // The bytes up to the cut still reach the device.
        device.end(piece.subarray(0, Math.max(0, next - before)));
        client.resetAndDestroy();
      } else if (!device.write(piece)) {
        client.pause();
        device.once("drain", () => client.resume());
      }
    });
    client.on("close", () => device.end());
    device.pipe(client);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the relay has no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    sent: () => sent,
    cutAt: (...counts) => pending.push(...counts),
    cuts: () => cuts,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
