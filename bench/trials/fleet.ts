import type { Parameters, PeerSpec, Trial } from "../types.ts";
import { goFile, streamed } from "./large.ts";

const MiB = 2 ** 20;

const senders: readonly PeerSpec[] = [
  {
    name: "flashwave file",
    about: "one open artifact, kept in memory, pushed to all",
    module: "peers/flashwave.ts",
    parameters: { body: "file" },
  },
  {
    name: "flashwave ring",
    about: "one open artifact, read and checked for each push",
    module: "peers/flashwave.ts",
    parameters: { body: "ring" },
  },
  { name: "dispatch shared", about: "one Buffer for all, hashed never", module: "peers/undici-dispatch.ts" },
  {
    name: "dispatch shared+hash",
    about: "one Buffer for all, hashed for each device",
    module: "peers/undici-dispatch.ts",
    parameters: { body: "memory-hash" },
  },
  ...streamed,
  ...goFile,
];

const contact: Parameters = { inFlight: 64, devices: 10_000, bytes: 26 };
const load = { inFlight: 100, bytes: 22 } as const;

export const fleet: readonly Trial[] = [
  {
    name: "fan-out",
    group: "fan-out",
    about: "One push of 10 MiB; 16 in flight over 100 devices, 100 pushes a round.",
    parameters: { inFlight: 16, devices: 100, bytes: 10 * MiB },
    peers: senders,
    reference: "request stream+hash",
    judgedBy: "wall",
    ops: 100,
    memory: true,
  },
  {
    name: "100x10mb",
    group: "fan-out",
    about: "One push of 10 MiB; 100 devices, all 100 in flight.",
    parameters: { inFlight: 100, devices: 100, bytes: 10 * MiB },
    peers: senders.filter((peer) => !peer.name.startsWith("dispatch")),
    reference: "request stream",
    judgedBy: "wall",
    ops: 100,
    long: true,
  },
  {
    name: "idle-devices",
    group: "fleet",
    about:
      "One device contacted for the first time (26 bytes) and its connection kept; 10,000 origins, a fresh process.",
    parameters: contact,
    peers: [
      { name: "flashwave", about: "`client.push`", module: "peers/flashwave.ts" },
      { name: "undici Agent", about: "`undici.request`, defaults", module: "peers/undici-request.ts" },
      { name: "own Clients", about: "one undici Client each, shared connector", module: "peers/undici-dispatch.ts" },
      { name: "Go net/http", about: "default Transport", module: "peers/go" },
      { name: "raw node:net", about: "sockets alone", module: "peers/node-net.ts" },
    ],
    reference: "undici Agent",
    judgedBy: "rssHeld",
    ops: contact.devices,
    memory: true,
    cold: true,
  },
  ...[1_000, 10_000, 100_000].map(
    (devices): Trial => ({
      name: `load-${devices / 1_000}k`,
      group: "load",
      about: `One device of ${devices.toLocaleString("en")} through \`client.pushMany\`, 100 at once, with a delivery that does nothing.`,
      parameters: { ...load, devices },
      peers: [
        { name: "flashwave", about: "`client.pushMany`, outcomes counted", module: "peers/load.ts" },
        {
          name: "bare loop",
          about: "100 promise loops that do nothing: the limit, not a client",
          module: "peers/load.ts",
          parameters: { variant: "bare" },
        },
      ],
      reference: "bare loop",
      judgedBy: "wall",
      ops: devices,
    }),
  ),
  {
    name: "registry",
    group: "registry",
    about: "One push of 26 bytes; 64 in flight over 200 devices, 1,000 registered in memory with overridden profiles.",
    parameters: { inFlight: 64, devices: 200, bytes: 26 },
    peers: [
      {
        name: "push(device)",
        about: "the device and its profile in hand",
        module: "peers/registered.ts",
        parameters: { variant: "device" },
      },
      {
        name: "push(id)",
        about: "looked up by id, its profile resolved",
        module: "peers/registered.ts",
        parameters: { variant: "id" },
      },
    ],
    reference: "push(device)",
    judgedBy: "cpu",
  },
];
