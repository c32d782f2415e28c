import { Buffer } from "node:buffer";
import type { Delivery } from "../../core/delivery.ts";
import type { RequestPlan } from "../shared/request-plan.ts";
import { shelly } from "./generation.ts";
import type { ShellyOptions } from "./options.ts";

export type { ShellyOptions, ShellySettings } from "./options.ts";

const patience = 60_000;

/**
 * Shelly devices of the second generation and later: `Shelly.Update` with a URL, from which the device fetches the
 * artifact. What it runs is `ver` of `Shelly.GetDeviceInfo`, its model is its hardware. Where a login is set, the user
 * is `admin` and the scheme Digest with SHA-256.
 *
 * A device reports an id of its own making (`shellyplus1-a8032ab12345`). Where devices are registered by it, ask for it:
 * `inspect: { also: { deviceId: "/id", hardware: "/model" } }`.
 *
 * @throws `invalid_profile`
 * @example shellyGen2({ publisher: await createArtifactServer({ host: "10.0.0.2", port: 8080 }) })
 */
export function shellyGen2(options: ShellyOptions): Delivery {
  return shelly(
    {
      kind: "shelly-gen2",
      profile: {
        send: { method: "POST", path: "/rpc/Shelly.Update", headers: { "content-type": "application/json" } },
        inspect: { path: "/rpc/Shelly.GetDeviceInfo", pointer: "/ver", also: { hardware: "/model" } },
      },
      settings: { auth: "auto", patience },
      orderOf: (send, url) => ({ ...send, body: Buffer.from(JSON.stringify({ url })) }),
    },
    options,
  );
}

/**
 * Shelly devices of the first generation: `GET /ota?url=…`, then the device fetches the artifact, a zip. What it runs
 * stands in `fw` of `/shelly`, between a build time and a commit (`20230913-114244/v1.14.0-gcb84623`): the version is
 * what lies between, `1.14.0`. Where a login is set it is Basic, over plain http: all that these devices know.
 *
 * @throws `invalid_profile`
 */
export function shellyGen1(options: ShellyOptions): Delivery {
  return shelly(
    {
      kind: "shelly-gen1",
      profile: {
        send: { method: "GET", path: "/ota" },
        inspect: {
          path: "/shelly",
          pattern: '"fw"\\s*:\\s*"(?:[^"/]*/)?v?([^"/@]+?)(?:-g[0-9a-f]{6,40})?[@"]',
          also: { hardware: "/type" },
        },
      },
      settings: { auth: "basic", patience },
      orderOf: withQuery,
    },
    options,
  );
}

function withQuery(send: RequestPlan, url: string): RequestPlan {
  return { ...send, path: `${send.path}${send.path.includes("?") ? "&" : "?"}url=${encodeURIComponent(url)}` };
}
