import type { LoginOptions } from "../login.ts";
import type { RequestHead } from "../records.ts";
import type { Reply } from "../replies.ts";
import type { DeviceServer, DeviceServerOptions } from "../server.ts";
import type { UploadRecord } from "./uploads.ts";

export type TusExtension = "creation" | "creation-with-upload" | "checksum" | "expiration" | "termination";

export interface TusDeviceOptions extends Omit<DeviceServerOptions, "dialect"> {
  /** Where uploads are created. @default "/files" */
  readonly endpoint?: string;
  /** @default ["1.0.0"] */
  readonly versions?: readonly string[];
  /** @default all five */
  readonly extensions?: readonly TusExtension[];
  /** What it can check. @default ["md5", "sha1"] */
  readonly checksums?: readonly ("md5" | "sha1" | "sha256")[];
  /** Most bytes of an upload. @default no limit */
  readonly maxSize?: number;
  /** An absolute `Location` names its origin; a relative one does not. @default "absolute" */
  readonly location?: "absolute" | "relative";
  /**
   * What the last request is answered by the owner's hook, in place of 204 and 201: as with the real server, a creation
   * that was all of the upload then has no `Location`.
   */
  readonly finish?: { readonly status: number; readonly body?: string };
  /** Whatever is asked without this login is answered 401, and not done. @default none */
  readonly login?: LoginOptions;
  /** Changes any answer on its way out: whatever a faulty server, or a proxy, may make of it. */
  readonly tamper?: (reply: Reply, head: RequestHead) => Reply;
}

export interface TusDevice extends DeviceServer {
  /** Every upload that it knows, oldest first. */
  uploads(): readonly UploadRecord[];
  /** Forgets uploads as if their time had passed: 410 from now on. @default all of them */
  expire(path?: string): void;
  /** Takes bytes back that it had confirmed, as after a power cut. */
  lose(path: string, offset: number): void;
}
