import type { SimulatedDevice } from "../device.ts";
import type { Effect } from "../routes.ts";
import { type Pull, type PullFault, pull } from "./pull.ts";

/** What every Shelly does with an order: fetch, check, write, restart. One at a time. */
export class Updater {
  /** Every fetch that has ended, oldest first. */
  readonly pulls: Pull[] = [];
  readonly #faults: PullFault[] = [];
  readonly #ending = new AbortController();
  readonly #ca: string | undefined;
  #updating: Promise<void> | undefined;

  constructor(ca: string | undefined) {
    this.#ca = ca;
  }

  get updating(): boolean {
    return this.#updating !== undefined;
  }

  script(...faults: readonly PullFault[]): void {
    this.#faults.push(...faults);
  }

  /** @returns whether it began: a second order while one runs changes nothing */
  begin(device: SimulatedDevice, url: string, effect: Effect): boolean {
    if (this.#updating !== undefined) return false;
    const fault = effect.fetch ?? this.#faults.shift();
    if (!effect.effect || fault?.kind === "never") return true;
    this.#updating = this.#update(device, url, effect, fault).finally(() => {
      this.#updating = undefined;
    });
    return true;
  }

  /** Ends a fetch under way. */
  async close(): Promise<void> {
    this.#ending.abort();
    await this.#updating;
  }

  async #update(device: SimulatedDevice, url: string, effect: Effect, fault: PullFault | undefined): Promise<void> {
    // What is known of the bytes before any came: the first answer tells the rest.
    const { pathname: path } = new URL(url);
    const seen = {
      method: "GET",
      path,
      httpVersion: "1.1",
      endpoint: "update",
      connection: 0,
      rawHeaders: [],
    } as const;
    const headers: Record<string, string> = {};
    const reception = device.receive({ ...seen, headers });
    const done = await pull({
      url,
      fault,
      signal: this.#ending.signal,
      ca: this.#ca,
      onBytes: (chunk, answered) => {
        if (headers["content-length"] === undefined) Object.assign(headers, answered);
        reception.write(chunk);
      },
    });
    this.pulls.push(done);
    const { as, fallBackAfter } = effect;
    reception.finish(done.outcome !== "incomplete", (received) => {
      if (done.outcome !== "complete" || device.objection(received) !== undefined) return "refused";
      device.stage(received, as);
      return "installed";
    });
    device.switchOver(fallBackAfter === undefined ? {} : { fallBackAfter });
  }
}
