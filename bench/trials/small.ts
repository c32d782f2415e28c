import type { PeerSpec, Trial } from "../types.ts";

/** The clients that a service's developer could pick instead, and the limits below and above them. */
export const clients: readonly PeerSpec[] = [
  { name: "flashwave", about: "`client.push`, `client.inspect`", module: "peers/flashwave.ts" },
  { name: "undici.request", about: "Agent, body read", module: "peers/undici-request.ts" },
  { name: "Client.dispatch", about: "undici, one Client per device, bare handler", module: "peers/undici-dispatch.ts" },
  { name: "undici.fetch", about: "Agent, body read", module: "peers/undici-fetch.ts" },
  { name: "node:http", about: "keep-alive Agent", module: "peers/node-http.ts" },
  { name: "Go net/http", about: "default Transport, idle connections unlimited", module: "peers/go" },
  { name: "curl", about: "program on libcurl, whole process, start included", module: "peers/curl.ts" },
  { name: "raw node:net", about: "ready-made request bytes: the limit, not a client", module: "peers/node-net.ts" },
];

export const small: readonly Trial[] = [
  {
    name: "push-26",
    group: "small",
    about: "One push of 26 bytes; 64 in flight over 200 devices, connections kept.",
    parameters: { inFlight: 64, devices: 200, bytes: 26 },
    peers: clients,
    reference: "undici.request",
    judgedBy: "cpu",
  },
  {
    name: "push-22-alone",
    group: "small",
    about: "One push of 22 bytes, one at a time to one device; client and server on one core.",
    parameters: { inFlight: 1, devices: 1, bytes: 22 },
    peers: clients,
    reference: "Go net/http",
    judgedBy: "wall",
    oneCore: true,
  },
  {
    name: "inspect",
    group: "small",
    about: "One GET, JSON read and parsed; 64 in flight over 200 devices, connections kept.",
    parameters: { inFlight: 64, devices: 200, method: "GET" },
    peers: clients,
    reference: "undici.request",
    judgedBy: "cpu",
  },
  {
    name: "inspect-alone",
    group: "small",
    about: "One GET, JSON read and parsed, one at a time from one device; client and server on one core.",
    parameters: { inFlight: 1, devices: 1, method: "GET" },
    peers: clients,
    reference: "Go net/http",
    judgedBy: "wall",
    oneCore: true,
  },
];
