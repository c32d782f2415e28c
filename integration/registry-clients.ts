// Many clients of one registry at once. For tests and for the bench.
import type { Cursor, Registry } from "../src/core/registry.ts";

export interface ClientsReport {
  readonly operations: number;
  /** Calls that threw, or answered with anything but success. */
  readonly errors: readonly string[];
  /** What a client read back that was not, or no longer, what it had written. */
  readonly violations: readonly string[];
}

export interface ClientsOptions {
  readonly clients: number;
  /** Asked before each operation. */
  readonly isOver: (operations: number) => boolean;
}

/** A base profile that all clients override, each for a device of its own. */
const shared = { id: "shared", name: "Shared", requests: { send: { path: "/shared" } } } as const;

/** Six reads for four writes, each from a turn of the event loop of its own, as a request would come. */
export async function runClients(
  registry: Pick<Registry, "devices" | "profiles">,
  { clients, isOver }: ClientsOptions,
): Promise<ClientsReport> {
  let operations = 0;
  const errors: string[] = [];
  const violations: string[] = [];
  await registry.profiles.put([shared]);
  const { feed } = await registry.profiles.page({}, { limit: 1 });
  const live = async (number: number): Promise<void> => {
    const client = new Client(registry, `c${number}`, feed, errors, violations);
    for (let i = 0; !isOver(operations); i++) {
      operations += 1;
      await client.step(i).catch((error: unknown) => errors.push(String(error)));
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  await Promise.all(Array.from({ length: clients }, (_, number) => live(number)));
  return { operations, errors, violations };
}

type PutResult = { readonly id: string; readonly result: string; readonly revision?: number };

/** Writes what is its own, and reads it back. */
class Client {
  readonly #devices: Registry["devices"];
  readonly #profiles: Registry["profiles"];
  readonly #id: string;
  readonly #own: string;
  readonly #errors: string[];
  readonly #violations: string[];
  #feed: Cursor;
  #revision: number | undefined;
  #path: string = shared.requests.send.path;

  constructor(
    { devices, profiles }: Pick<Registry, "devices" | "profiles">,
    id: string,
    feed: Cursor,
    errors: string[],
    violations: string[],
  ) {
    this.#devices = devices;
    this.#profiles = profiles;
    this.#id = id;
    this.#own = `${id}-own`;
    this.#feed = feed;
    this.#errors = errors;
    this.#violations = violations;
  }

  readonly #steps: readonly ((i: number) => Promise<void>)[] = [
    (i) => this.#register(i),
    () => this.#find(),
    () => this.#select(),
    (i) => this.#override(i),
    () => this.#resolve(),
    () => this.#follow(),
    (i) => this.#observe(i),
    (i) => this.#seen(i - 1),
    () => this.#comeAndGo(),
    () => this.#count(),
  ];

  async step(i: number): Promise<void> {
    await this.#steps[i % this.#steps.length]?.(i);
  }

  #accept(results: readonly PutResult[]): void {
    for (const { id, result, revision } of results) {
      if (revision === undefined || result === "conflict") this.#errors.push(`${id}: ${result}`);
    }
  }

  #check(holds: boolean | undefined, what: string): void {
    if (holds !== true) this.#violations.push(`${this.#own} ${what}`);
  }

  async #register(i: number): Promise<void> {
    const device = { id: this.#own, address: "http://10.0.0.1", profileId: shared.id, tags: [`t${i % 7}`, this.#id] };
    const results: readonly PutResult[] = await this.#devices.put([device]);
    this.#accept(results);
    this.#revision = results[0]?.revision;
  }

  async #find(): Promise<void> {
    const row = (await this.#devices.getMany([this.#own])).get(this.#own);
    this.#check(row?.revision === this.#revision, `is at ${row?.revision}, was written at ${this.#revision}`);
  }

  async #select(): Promise<void> {
    const { items } = await this.#devices.page({ tags: [this.#id] }, { limit: 20 });
    this.#check(items.length === 1 && items[0]?.id === this.#own, "is not what its tag selects");
  }

  async #override(i: number): Promise<void> {
    this.#path = `/own/${i}`;
    const place = { parent: shared.id, scope: "device", device: this.#own } as const;
    const requests = { send: { path: this.#path } };
    this.#accept(await this.#profiles.put([{ id: this.#id, name: this.#id, ...place, requests }]));
  }

  async #resolve(): Promise<void> {
    const subject = { id: this.#own, profileId: shared.id };
    const path = (await this.#profiles.resolveMany([subject])).get(this.#own)?.send?.path;
    this.#check(path === this.#path, `resolves to ${path} instead of ${this.#path}`);
  }

  async #follow(): Promise<void> {
    const { changes, cursor, more } = await this.#profiles.changes(this.#feed, { limit: 1_000 });
    this.#feed = cursor;
    this.#check(more || changes.some(({ id }) => id === this.#id), "was overridden, and the feed does not say so");
  }

  async #observe(i: number): Promise<void> {
    const { unknown, invalid } = await this.#devices.observe([{ id: this.#own, seenAt: i, firmware: `1.${i}.0` }]);
    if (unknown.length + invalid.length > 0) this.#errors.push(`${this.#own} was not observed`);
  }

  async #seen(i: number): Promise<void> {
    const row = (await this.#devices.getMany([this.#own])).get(this.#own);
    this.#check(row?.firmware === `1.${i}.0`, `was seen to run 1.${i}.0, not ${row?.firmware}`);
  }

  async #comeAndGo(): Promise<void> {
    const id = `${this.#id}-gone`;
    this.#accept(await this.#devices.put([{ id, address: "http://10.0.0.1" }]));
    this.#check((await this.#devices.remove([id])) === 1, "could not remove what it had put");
  }

  async #count(): Promise<void> {
    const { overrides } = await this.#profiles.metrics();
    this.#check(overrides.device >= 1, "has an override that is not counted");
  }
}
