import { randomBytes } from "node:crypto";
import type { RequestHead } from "../records.ts";
import type { RedfishDeviceOptions } from "./options.ts";
import { paths, v1 } from "./resources.ts";

const root: readonly string[] = [v1, `${v1}/`, "/redfish", "/redfish/"];

/** Who may come in, and who has (DSP0266 §13.3): the name of whoever opened a session, by the session's id. */
export class Sessions extends Map<string, string> {
  readonly #user: RedfishDeviceOptions["user"];
  /** Ids by token. A token whose session is over stays, and leads to nothing. */
  readonly #tokens = new Map<string, string>();

  constructor(user: RedfishDeviceOptions["user"]) {
    super();
    this.#user = user;
  }

  open(name: string): { readonly id: string; readonly token: string } {
    const id = randomBytes(5).toString("hex");
    const token = randomBytes(16).toString("hex");
    this.set(id, name);
    this.#tokens.set(token, id);
    return { id, token };
  }

  knows(name: string, password: unknown): boolean {
    return this.#user === undefined || (name === this.#user.name && password === this.#user.password);
  }

  /** Whether a request may be made: DSP0266 §13.3.2 lets everybody read the root and log in. */
  admits({ method, path, headers }: RequestHead): boolean {
    if (this.#user === undefined || (root.includes(path) && method === "GET")) return true;
    if (path === paths.sessions && method === "POST") return true;
    const token = headers["x-auth-token"];
    if (token !== undefined) return this.has(this.#tokens.get(token) ?? "");
    const { name, password } = this.#user;
    return headers["authorization"] === `Basic ${Buffer.from(`${name}:${password}`).toString("base64")}`;
  }
}
