import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** A server that nobody may ever speak to: where a redirect would lead. */
export interface Bait extends AsyncDisposable {
  readonly url: string;
  readonly connections: () => number;
}

export async function startBait(): Promise<Bait> {
  let connections = 0;
  const server = createServer((_request, response) => response.end('{"version":"6.6.6"}'));
  server.on("connection", () => connections++);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    connections: () => connections,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}
