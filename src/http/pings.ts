import { subscribe } from "node:diagnostics_channel";
import type { WebSocket } from "undici";

const counters = new WeakMap<object, () => void>();
let listening = false;

/**
 * Calls `count` for each ping and pong that comes on `socket`. undici answers control frames by itself and tells of them
 * on its diagnostics channels alone, which all sockets of the process share.
 */
export function countPings(socket: WebSocket, count: () => void): void {
  counters.set(socket, count);
  if (listening) return;
  listening = true;
  const heard = (message: unknown) => counters.get((message as { readonly websocket: object }).websocket)?.();
  subscribe("undici:websocket:ping", heard);
  subscribe("undici:websocket:pong", heard);
}
