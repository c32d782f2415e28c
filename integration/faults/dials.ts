import { subscribe } from "node:diagnostics_channel";
import type { Socket } from "node:net";

// The near end's witness: connections that this process tries to open, whether anybody takes them or not.

const attempts = new Map<number, number>();
const inVain = new Map<string, number>();
const add = <Key>(to: Map<Key, number>, key: Key) => to.set(key, (to.get(key) ?? 0) + 1);

subscribe("net.client.socket", (message) => {
  const { socket } = message as { socket: Socket };
  socket.on("connectionAttempt", (_address: string, port: number) => add(attempts, port));
  socket.on("lookup", (error: Error | null, _address: string, _family: number, name: string) => {
    if (error) add(inVain, name);
  });
});

/** A name of its own for what is at a port, so that whoever is looked for by name is counted apart from others. */
export const nameAt = (port: number): string => `pos-${port}.test`;

/** From now on: connections begun to a port, refused ones included, and look-ups of its name that found nothing. */
export function countDials(port: number): { readonly count: number } {
  const so = () => (attempts.get(port) ?? 0) + (inVain.get(nameAt(port)) ?? 0);
  const before = so();
  return {
    get count() {
      return so() - before;
    },
  };
}
