import { createHash } from "node:crypto";
import { expect } from "vitest";
import type { Artifact } from "../src/core/artifact.ts";
import type { Registry } from "../src/core/registry.ts";

export type Kind = "device" | "profile" | "report" | "artifact";

/** What a writer was told of one row: that it is there, at which revision, or that it is gone; between the two nothing. */
interface Told {
  readonly there: boolean;
  readonly revision?: number;
}

/** What writers were told of all but the devices that stay, row by row; a later word takes the place of an earlier one. */
export class Acknowledged {
  readonly #told: Readonly<Record<Kind, Map<string, Told>>> = {
    device: new Map(),
    profile: new Map(),
    report: new Map(),
    artifact: new Map(),
  };

  /** @param lines of a writer, in order */
  add(lines: readonly (readonly string[])[]): void {
    for (const [verb, kind = "", id = "", revision] of lines) {
      const told = this.#told[kind as Kind];
      if (verb === "there")
        told.set(id, { there: true, ...(revision !== undefined && { revision: Number(revision) }) });
      else if (verb === "gone") told.set(id, { there: false });
      else if (verb === "going") told.delete(id);
    }
  }

  /** What was acknowledged, by kind: all of it, and how much of that was removed again. Each kind must have had both. */
  figures(): Readonly<Record<string, number>> {
    const all = Object.entries(this.#told).map(([kind, told]) => [kind, [...told.values()]] as const);
    for (const [kind, told] of all) {
      expect(told.length, `${kind}s`).toBeGreaterThan(0);
      if (kind !== "report") expect(told.filter(({ there }) => !there).length, `${kind}s removed`).toBeGreaterThan(0);
    }
    const told = all.flatMap(([, ones]) => ones);
    return {
      "acknowledged removals": told.filter(({ there }) => !there).length,
      "acknowledged rows of other kinds": told.length,
    };
  }

  /**
   * Nothing acknowledged is lost, nothing removed has returned, and every artifact that is listed is whole. Artifacts are
   * removed after it: a later check reads those alone that came since.
   */
  async check({ devices, profiles, reports, artifacts }: Registry): Promise<void> {
    const { device, profile, report, artifact } = this.#told;
    this.#compare(device, await devices.getMany([...device.keys()]));
    this.#compare(profile, await profiles.getMany([...profile.keys()]));
    const reporters = new Set([...report.keys()].map((name) => name.slice(0, name.lastIndexOf("/"))));
    const kept = new Map<string, object>();
    for (const id of reporters) {
      for await (const items of pages((after) => reports.page({ device: id }, { limit: 1_000, ...after }))) {
        for (const row of items) kept.set(`${id}/${row.id}`, row);
      }
    }
    this.#compare(report, kept);
    const whole = new Map<string, object>();
    for await (const items of pages((after) => artifacts.list({ limit: 1_000, ...after }))) {
      for (const ref of items) {
        await using opened = await artifacts.open(ref.digest);
        expect(await digestOf(opened)).toBe(ref.digest);
        whole.set(ref.digest, ref);
      }
    }
    this.#compare(artifact, whole);
    for (const digest of whole.keys()) {
      await artifacts.remove(digest);
      artifact.set(digest, { there: false });
    }
  }

  #compare(told: ReadonlyMap<string, Told>, rows: ReadonlyMap<string, object>): void {
    for (const [id, { there, revision }] of told) {
      if (!there) expect(rows.get(id), `${id} was removed`).toBeUndefined();
      else expect(rows.get(id), id).toMatchObject(revision === undefined ? {} : { revision });
    }
  }
}

async function digestOf({ payload, length }: Artifact): Promise<string> {
  const sum = createHash("sha256");
  const segment = payload.slice(0, length);
  if (segment instanceof Uint8Array) return sum.update(segment).digest("hex");
  for await (const chunk of segment) sum.update(chunk);
  return sum.digest("hex");
}

async function* pages<Row>(
  read: (after: { readonly after?: string }) => Promise<{ readonly items: readonly Row[]; readonly next?: string }>,
): AsyncGenerator<readonly Row[], void> {
  let { items, next } = await read({});
  for (; next !== undefined; { items, next } = await read({ after: next })) yield items;
  yield items;
}
