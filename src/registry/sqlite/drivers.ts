import type { Connection } from "../../store/sqlite/index.ts";
import type { ResolvedDeviceFilter } from "../device-filter.ts";
import { type Driver, type DriverCount, driverCounts, fewDevices, isRegistered } from "./match-device.ts";

/** Counts remembered. */
const kept = 1_024;

/** Revisions for which one is: each puts or removes one device, so that a count is never further off than this. */
const soon = fewDevices / 10;

/**
 * Finds what drives a page. To count a thousand devices of a site and a thousand of a tag takes 65 of 305 µs of such a page, and
 * whoever reads page after page asks for the same: how many a field or a tag has is remembered for a while. What was
 * observed changes without a revision, and those of a range are sorted: they are counted every time.
 */
export class Drivers {
  readonly #counts = new Map<string, { readonly count: number; readonly revision: number }>();

  /**
   * The candidate that has the fewest devices, unless even that has many.
   * @param revision the fleet's, of the same moment
   */
  find(on: Connection, filter: ResolvedDeviceFilter, revision: number): Driver | undefined {
    let [found, least]: [Driver | undefined, number] = [undefined, fewDevices];
    for (const candidate of driverCounts(filter)) {
      const count = isRegistered(candidate.driver)
        ? this.#remembered(on, candidate, revision)
        : countDevices(on, candidate);
      if (count < least) [found, least] = [candidate.driver, count];
    }
    return found;
  }

  #remembered(on: Connection, candidate: DriverCount, revision: number): number {
    const key = `${candidate.sql} ${candidate.parameters[0]}`;
    const known = this.#counts.get(key);
    if (known !== undefined && revision - known.revision < soon) return known.count;
    const count = countDevices(on, candidate);
    if (this.#counts.size >= kept) this.#counts.clear();
    this.#counts.set(key, { count, revision });
    return count;
  }
}

const countDevices = (on: Connection, { sql, parameters }: DriverCount): number =>
  Number(on.get(sql, ...parameters)?.[0]);
