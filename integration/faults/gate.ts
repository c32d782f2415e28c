import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { Worker } from "node:worker_threads";
import { settled } from "../kit.ts";

/** What a gate does with whoever comes; `swallow`: it reads and says nothing, `refuse`: the kernel lets nobody in. */
export type Way = "open" | "refuse" | "swallow" | "rst" | "fin";

/** The last stretch of the way to a device of any protocol, which leads there or does not. It counts on its own. */
export interface Gate extends AsyncDisposable {
  readonly port: number;
  /** Connections that it took, and those of them that led nowhere. */
  readonly taken: number;
  readonly lost: number;
  /** From now on; what is open is cut, unless it opens. */
  turn(way: Way): Promise<void>;
}

/** @param to a port of 127.0.0.1 */
export async function startGate(to: number, way: Way = "open"): Promise<Gate> {
  const sockets = new Set<Socket>();
  const counted = { taken: 0, lost: 0 };
  let now = way;
  const keep = (socket: Socket) => {
    sockets.add(socket);
    return socket.on("error", () => {}).on("close", () => sockets.delete(socket));
  };
  const server = createServer((client) => {
    keep(client);
    counted.taken++;
    if (now !== "open") counted.lost++;
    if (now === "rst") client.resetAndDestroy();
    else if (now === "fin") client.end().resume();
    else if (now === "swallow") client.resume();
    else lead(client, keep(connect(to, "127.0.0.1")));
  });
  const listen = async (port: number) => {
    server.listen({ host: "127.0.0.1", port });
    await once(server, "listening");
  };
  await listen(0);
  const { port } = server.address() as AddressInfo;
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  const gate: Gate = {
    port,
    get taken() {
      return counted.taken;
    },
    get lost() {
      return counted.lost;
    },
    async turn(next) {
      now = next;
      if (next !== "open") cut();
      if (next === "refuse" && server.listening) server.close();
      if (next !== "refuse" && !server.listening) await listen(port);
    },
    async [Symbol.asyncDispose]() {
      cut();
      if (!server.listening) return;
      const closed = once(server, "close");
      server.close();
      await closed;
    },
  };
  if (way === "refuse") await gate.turn(way);
  return gate;
}

/** Both ways, and each end is told how the other one ended. */
function lead(client: Socket, device: Socket): void {
  client.pipe(device);
  device.pipe(client);
  client.on("close", () => device.destroy());
  device.on("close", () => client.destroySoon());
}

/** A listener whose queue is full and whose owner does not accept: the kernel drops what comes then. */
export async function startDeaf(): Promise<AsyncDisposable & { readonly url: string; readonly port: number }> {
  const worker = new Worker(
    `const { parentPort } = require("node:worker_threads");
     const server = require("node:net").createServer().listen({ host: "127.0.0.1", port: 0, backlog: 1 }, () => {
       parentPort.postMessage(server.address().port);
       Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
     });`,
    { eval: true },
  );
  const [port] = (await once(worker, "message")) as [number];
  const fillers: Socket[] = Array.from({ length: 4 }, () => connect(port, "127.0.0.1").on("error", () => {}));
  // Two are taken in by the kernel; once they are, the rest and all who come later are left without an answer.
  await settled(() => fillers.filter(({ connecting }) => !connecting).length >= 2, true);
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    async [Symbol.asyncDispose]() {
      for (const filler of fillers) filler.destroy();
      await worker.terminate();
    },
  };
}
