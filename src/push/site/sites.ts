import { Site, type SiteOptions } from "./site.ts";

/** Sites that are kept before the first look for those that may be forgotten. */
const kept = 4_096;

/** The sites of one client. A device that names none shares nothing: it has its own attempts, and that is all. */
export class Sites {
  readonly #options: SiteOptions;
  readonly #sites = new Map<string, Site>();
  #sweepAt = kept;
  #closed: { readonly reason: unknown } | undefined;

  constructor(options: SiteOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#sites.size;
  }

  of(name: string | undefined): Site | undefined {
    if (name === undefined || name === "") return undefined;
    const known = this.#sites.get(name);
    if (known !== undefined) return known;
    if (this.#sites.size >= this.#sweepAt) this.#sweep();
    const site = new Site(name, this.#options);
    if (this.#closed !== undefined) site.close(this.#closed.reason);
    this.#sites.set(name, site);
    return site;
  }

  close(reason: unknown): void {
    this.#closed = { reason };
    for (const site of this.#sites.values()) site.close(reason);
  }

  /** Not before there are twice as many as were worth keeping, so that looking costs little however many there are. */
  #sweep(): void {
    for (const [name, site] of this.#sites) if (site.idle) this.#sites.delete(name);
    this.#sweepAt = Math.max(kept, this.#sites.size * 2);
  }
}
