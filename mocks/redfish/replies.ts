import { errorOf, type Json } from "./resources.ts";

export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: Json;
  /** What it does once it has answered. */
  readonly after?: () => void;
}

export const failure = (status: number, id: string, text: string): Reply => ({ status, json: errorOf(id, text) });

export const internalError: Reply = failure(500, "Base.1.13.InternalError", "The request failed.");
export const missing: Reply = failure(404, "Base.1.13.ResourceMissingAtURI", "There is no such resource.");
