import type { PeerSpec, Trial } from "../types.ts";

const MiB = 2 ** 20;

const peer = (name: string, about: string): PeerSpec => ({
  name,
  about,
  module: "peers/adapters.ts",
  parameters: { variant: name },
});

/** Each adapter against the generic one: the same bytes, whatever else a protocol has to say. */
export const adapters: readonly Trial[] = [
  {
    name: "adapters",
    group: "adapters",
    about: "One push of 64 MiB kept in memory, one at a time to one device, all that the protocol asks for included.",
    parameters: { inFlight: 1, devices: 1, bytes: 64 * MiB, body: "file" },
    peers: [
      peer("http", "one POST"),
      peer("tus", "OPTIONS, POST, PATCH"),
      peer("swupdate", "a websocket, a multipart POST, the verdict"),
      peer("redfish", "service root, update service, a multipart POST"),
      peer("web upload", "ESPHome's: a multipart POST"),
      peer("shelly", "an order, and the device fetches from our artifact server"),
    ],
    reference: "http",
    judgedBy: "wall",
    // Some two hundred pushes: what is run once a push and not once a chunk is compiled late.
    warmMs: 5_000,
  },
];
