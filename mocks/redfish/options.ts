import type { SimulatedDeviceOptions } from "../device-options.ts";
import type { RawEnding, RawStep } from "../raw.ts";

export type ApplyTime =
  | "Immediate"
  | "OnReset"
  | "AtMaintenanceWindowStart"
  | "InMaintenanceWindowOnReset"
  | "OnStartUpdateRequest";

/** How the task of an update ends. `vanishes`: it is gone before it told its end, as tasks in RAM are after a restart. */
export type TaskEnding = "completed" | "critical" | "exception" | "never" | "vanishes";

/** A member of the firmware inventory beside the one that updates change. */
export interface InventoryItem {
  readonly id: string;
  readonly version: string;
  readonly updateable?: boolean;
}

export interface RedfishDeviceOptions
  extends Pick<SimulatedDeviceOptions, "version" | "health" | "rebootMs" | "uptime" | "clock"> {
  /**
   * `openbmc`: the monitor answers 202, then 204 once, then 404; tasks live in RAM and are gone after a restart; an
   * image is an inventory member of its own, named by a hash, and the manager says which one is active; at most one
   * target. `dmtf`: the monitor ends with 200, tasks stay, members keep their ids. @default "dmtf"
   */
  readonly style?: "openbmc" | "dmtf";
  readonly uuid?: string;
  /** Spoken to over https. @default plain http */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** Who may log in. @default everybody may do everything */
  readonly user?: { readonly name: string; readonly password: string };
  /** Which push URIs are advertised. @default both */
  readonly push?: "both" | "multipart" | "raw" | "none";
  /** Whether it takes the order to fetch an image (SimpleUpdate). @default true */
  readonly pulls?: boolean;
  /** The advertised push URIs answer 404. @default false */
  readonly deadPush?: boolean;
  /** A body above it ends the connection, without an answer. @default no limit */
  readonly maxImageSizeBytes?: number;
  /** Whether it says so beforehand. @default true */
  readonly tellsLimit?: boolean;
  /** What an update without an apply time of its own does. @default "Immediate" */
  readonly applyTime?: ApplyTime;
  /** Whether it reports `applyTime`. @default true */
  readonly tellsApplyTime?: boolean;
  /** How long a task runs, in milliseconds. @default 0 */
  readonly taskMs?: number;
  /** @default "completed" */
  readonly ending?: TaskEnding;
  /** `Retry-After` of 202, in seconds. @default not sent */
  readonly retryAfter?: number;
  /** `Location` and links as absolute URLs of this origin. @default paths */
  readonly locationOrigin?: string;
  /** The member that updates change. @default "BMC" */
  readonly member?: string;
  readonly others?: readonly InventoryItem[];
  /** While it restarts: end every connection, or answer 503. @default "reset" */
  readonly whileRebooting?: "reset" | "unavailable";
}

export type RedfishPurpose =
  | "root"
  | "session"
  | "service"
  | "push"
  | "pull"
  | "inventory"
  | "member"
  | "monitor"
  | "task"
  | "reset"
  | "other";

/** What it does wrong, once, on the next request of a purpose. Places are bytes of the request's body. */
export type RedfishFault =
  | {
      readonly kind: "status";
      readonly status: number;
      readonly after?: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string;
    }
  /** `received`: nothing was done with it. `installed`: it goes on as if it had answered. */
  | { readonly kind: "cut"; readonly at: number | "received" | "installed" }
  | { readonly kind: "silence" }
  | { readonly kind: "stop-reading"; readonly at: number }
  | { readonly kind: "malformed" }
  /**
   * Plays these steps on the bare connection in place of an answer: after the body, or once `at` bytes of it came.
   * `fetched`: an order to fetch is followed, and answered so once that many bytes were; then the fetch is given up.
   */
  | {
      readonly kind: "raw";
      readonly steps: readonly RawStep[];
      readonly at?: number;
      readonly fetched?: number;
      readonly ending?: Exclude<RawEnding, "serve">;
    }
  | { readonly kind: "body"; readonly body: string }
  | { readonly kind: "oversize"; readonly bytes: number };
