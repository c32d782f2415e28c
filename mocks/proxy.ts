import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";

export interface ProxyOptions {
  /** The port that it leads to, on 127.0.0.1. */
  readonly to: number;
  /**
   * Bytes from the client, counted over all connections, at which it cuts the one that brings them: all up to there
   * still goes on, then the server's end is closed and the client's is reset. Ascending.
   */
  readonly cuts?: readonly number[];
  /** Bytes from the client, counted likewise, that it changes on their way. Ascending. */
  readonly flips?: readonly number[];
}

/** A wire with a will of its own. It knows nothing of HTTP: it counts, cuts and spoils bytes. */
export interface Proxy extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /**
   * Bytes that came from clients and from the server, connections accepted and cut. `held`: what the kernels still held
   * of a client's bytes when it was cut, which came from nobody; only Linux tells.
   */
  counters(): {
    readonly up: number;
    readonly held: number;
    readonly down: number;
    readonly connections: number;
    readonly cut: number;
  };
  close(): Promise<void>;
}

export async function startProxy({ to, cuts = [], flips = [] }: ProxyOptions): Promise<Proxy> {
  const counters = { up: 0, held: 0, down: 0, connections: 0, cut: 0 };
  const left = { cuts: [...cuts], flips: [...flips] };
  const sockets = new Set<Socket>();
  const track = (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket)).on("error", () => {});
  };
  const server = createServer((client) => {
    counters.connections++;
    const upstream = connect(to, "127.0.0.1");
    track(client);
    track(upstream);
    client.on("data", (chunk: Buffer) => {
      const cutAt = left.cuts[0];
      const cut = cutAt !== undefined && counters.up + chunk.length >= cutAt;
      const part = cut ? chunk.subarray(0, cutAt - counters.up) : chunk;
      for (let at = left.flips[0]; at !== undefined && at < counters.up + part.length; at = left.flips[0]) {
        left.flips.shift();
        part[at - counters.up] = ~(part[at - counters.up] ?? 0) & 0xff;
      }
      // What is beyond the cut was sent all the same.
      counters.up += chunk.length;
      const flowing = upstream.write(part);
      if (cut) {
        left.cuts.shift();
        counters.cut++;
        counters.held += unread(client);
        client.removeAllListeners("data");
        client.resetAndDestroy();
        upstream.end();
      } else if (!flowing) client.pause();
    });
    upstream.on("drain", () => client.resume());
    upstream.on("data", (chunk: Buffer) => {
      counters.down += chunk.length;
      if (client.writable && !client.write(chunk)) upstream.pause();
    });
    client.on("drain", () => upstream.resume());
    client.on("end", () => upstream.end());
    upstream.on("end", () => client.end());
    client.on("close", () => upstream.end());
    upstream.on("close", () => client.destroySoon());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = address !== null && typeof address === "object" ? address.port : 0;
  const close = async () => {
    if (!server.listening) return;
    const closed = once(server, "close");
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    counters: () => ({ ...counters }),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** proc_net_tcp(5): ports and queues in hexadecimal. */
const connection = /: [\dA-F]{8}:([\dA-F]{4}) [\dA-F]{8}:([\dA-F]{4}) [\dA-F]{2} ([\dA-F]{8}):([\dA-F]{8}) /g;

/** What the other end's kernel has not had acknowledged and ours has not handed over: some bytes may count in both. */
function unread({ localPort = 0, remotePort = 0 }: Socket): number {
  if (!existsSync("/proc/net/tcp")) return 0;
  const hex = (text = "") => Number.parseInt(text, 16);
  return [...readFileSync("/proc/net/tcp", "latin1").matchAll(connection)].reduce(
    (sum, [, from, to, sent, received]) => {
      if (hex(from) === remotePort && hex(to) === localPort) return sum + hex(sent);
      return hex(from) === localPort && hex(to) === remotePort ? sum + hex(received) : sum;
    },
    0,
  );
}
