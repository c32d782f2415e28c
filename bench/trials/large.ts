import type { PeerSpec, Trial } from "../types.ts";

const MiB = 2 ** 20;

const memory: readonly PeerSpec[] = [
  { name: "raw node:net", about: "one Buffer, one write: the limit, not a client", module: "peers/node-net.ts" },
  { name: "flashwave memory", about: "`openArtifact(Buffer)`", module: "peers/flashwave.ts" },
  { name: "Client.dispatch memory", about: "one Buffer", module: "peers/undici-dispatch.ts" },
  { name: "undici.request memory", about: "one Buffer", module: "peers/undici-request.ts" },
  { name: "Go memory", about: "bytes.Reader", module: "peers/go" },
];

const resident: PeerSpec = {
  name: "flashwave file",
  about: "a file, loaded and checked once at open",
  module: "peers/flashwave.ts",
  parameters: { body: "file" },
};

const ring: PeerSpec = {
  name: "flashwave ring",
  about: "a file read for each push, each block checked",
  module: "peers/flashwave.ts",
  parameters: { body: "ring" },
};

const unchecked: PeerSpec = {
  name: "ring unchecked",
  about: "ablation: our ring on a bare dispatch, blocks not checked",
  module: "ablations/ring.ts",
  parameters: { body: "ring", variant: "unchecked" },
};

export const streamed: readonly PeerSpec[] = [
  {
    name: "request stream",
    about: "undici.request, createReadStream",
    module: "peers/undici-request.ts",
    parameters: { body: "stream" },
  },
  {
    name: "request stream+hash",
    about: "undici.request, createReadStream and a running SHA-256",
    module: "peers/undici-request.ts",
    parameters: { body: "stream-hash" },
  },
];

export const goFile: readonly PeerSpec[] = [
  {
    name: "Go io.Copy",
    about: "a file through io.Copy, no sendfile",
    module: "peers/go",
    parameters: { body: "file" },
  },
  {
    name: "Go sendfile",
    about: "a file by sendfile, which Node does not offer",
    module: "peers/go",
    parameters: { body: "file", variant: "sendfile" },
  },
];

const files: readonly PeerSpec[] = [
  ring,
  unchecked,
  { name: "sha256", about: "nothing sent: 256 KiB blocks hashed", module: "peers/hashing.ts" },
  ...streamed,
  {
    name: "node:http stream",
    about: "createReadStream piped",
    module: "peers/node-http.ts",
    parameters: { body: "stream" },
  },
  ...goFile,
  { name: "curl", about: "`curl -T`, whole process", module: "peers/curl.ts", parameters: { body: "file" } },
];

const one = { inFlight: 1, devices: 1 } as const;

export const large: readonly Trial[] = [
  {
    name: "10mb",
    group: "large",
    about: "One push of 10 MiB, one at a time to one device.",
    parameters: { ...one, bytes: 10 * MiB },
    peers: [...memory, resident, ...files],
    reference: "raw node:net",
    judgedBy: "wall",
    warmMs: 1_500,
  },
  {
    name: "100mb",
    group: "large",
    about:
      "One push of 100 MiB, one at a time to one device; beyond the cache budget, so a file is read for each push.",
    parameters: { ...one, bytes: 100 * MiB },
    peers: [...memory, ...files],
    reference: "raw node:net",
    judgedBy: "wall",
    warmMs: 1_500,
  },
  {
    name: "1gb",
    group: "large",
    about: "One push of 1 GiB, one at a time to one device.",
    parameters: { ...one, bytes: 1024 * MiB },
    peers: [...memory, ...files],
    reference: "raw node:net",
    judgedBy: "wall",
    warmMs: 1_500,
    ops: 1,
    long: true,
  },
  ...[10, 100, 1024].map(
    (size): Trial => ({
      name: `memory-${size}mb`,
      group: "memory",
      about: `Resident memory above its start during the first push of a ${size} MiB file, opening it included; nothing warmed up.`,
      parameters: { ...one, bytes: size * MiB },
      peers: [
        { ...ring, parameters: { body: "ring", variant: "open in the round" } },
        ...streamed.slice(0, 1),
        ...goFile.slice(0, 1),
      ],
      reference: "request stream",
      judgedBy: "rssPeak",
      ops: 1,
      memory: true,
      cold: true,
      ...(size > 100 && { long: true }),
    }),
  ),
];
