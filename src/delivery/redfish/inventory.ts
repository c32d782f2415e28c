import type { Step } from "../../core/delivery.ts";
import { idOf, linkOf, membersOf, type Resource, valueAt } from "./resource.ts";
import type { Service } from "./service.ts";

/** Pages, members and managers that are looked at: an inventory without end must not keep us for ever. */
const mostPages = 16;
const mostRead = 64;
const mostManagers = 8;
const mostNamed = 12;

export interface Candidate {
  readonly path: string;
  /** What the member says of itself; absent where it says nothing. */
  readonly updateable?: boolean | undefined;
}

/** A manager's images: the one that runs, and all that it keeps. */
export interface Images {
  readonly active: string;
  readonly all: readonly string[];
}

/** Pure: which member tells what an update changed. `problem` says in our words why that is not clear. */
export function chooseMember(
  candidates: readonly Candidate[],
  images: Images | undefined,
): string | { readonly problem: string } {
  const marked = candidates.filter(({ updateable }) => updateable === true);
  const told = candidates.some(({ updateable }) => updateable !== undefined);
  const left = told ? marked : candidates;
  const [only, ...more] = left;
  if (only !== undefined && more.length === 0) return only.path;
  // The manager keeps old images beside the one that runs; where there is anything else, it is not clear what is meant.
  if (images !== undefined && left.length > 0 && left.every(({ path }) => images.all.includes(path))) {
    if (left.some(({ path }) => path === images.active)) return images.active;
  }
  const ids = namesOf((left.length > 0 ? left : candidates).map(({ path }) => path));
  const seen = left.length === 0 ? "no member of its firmware inventory can be updated" : "several can be updated";
  return { problem: `${seen}: set options.inventory to one of ${ids}` };
}

/** The member that reports the version, as the plan says or as the service makes clear. */
export async function findMember(service: Service, step: Step): Promise<Resource> {
  const { plan } = service;
  const updates = await service.updates(step, "inspect");
  const collection = service.link(
    updates,
    "/FirmwareInventory/@odata.id",
    "FirmwareInventory of its update service",
    "inspect",
  );
  const paths = await membersUnder(service, collection, step);
  const read = (path: string) => service.read(path, "its firmware inventory's member", step, "inspect");
  if (plan.inventory !== undefined) {
    const named = paths.filter((path) => idOf(path) === plan.inventory);
    const [only, ...more] = named;
    if (only !== undefined && more.length === 0) return read(only);
    throw service.unfit(`its firmware inventory has no member of that id; it has ${namesOf(paths)}`, "inspect");
  }
  const targeted = paths.filter((path) => plan.targetPaths.includes(path));
  const [target, ...others] = targeted;
  if (target !== undefined && others.length === 0) return read(target);
  if (paths.length > mostRead) {
    throw service.unfit(`its firmware inventory has ${paths.length} members; set options.inventory to one`, "inspect");
  }
  const resources = new Map<string, Resource>();
  for (const path of targeted.length > 0 ? targeted : paths) resources.set(path, await read(path));
  const candidates = [...resources].map(([path, member]) => ({ path, updateable: flagOf(member) }));
  const clear = chooseMember(candidates, undefined);
  const chosen = typeof clear === "string" ? clear : chooseMember(candidates, await imagesOf(service, step));
  const member = typeof chosen === "string" ? resources.get(chosen) : undefined;
  if (typeof chosen !== "string" || member === undefined) {
    throw service.unfit(
      typeof chosen === "string" ? "its active image is not in its inventory" : chosen.problem,
      "inspect",
    );
  }
  return member;
}

function flagOf(member: Resource): boolean | undefined {
  const value = valueAt(member, "/Updateable");
  return typeof value === "boolean" ? value : undefined;
}

/** The members of a collection over all its pages (DSP0266 §7.4.2). */
async function membersUnder(service: Service, collection: string, step: Step): Promise<readonly string[]> {
  const paths = new Set<string>();
  const pages = new Set<string>();
  for (let page: string | undefined = collection; page !== undefined; ) {
    if (pages.has(page)) throw service.unfit("the pages of its firmware inventory go round in a circle", "inspect");
    if (pages.size === mostPages) throw service.unfit(`its firmware inventory has over ${mostPages} pages`, "inspect");
    pages.add(page);
    const { links, next } = membersOf(
      await service.read(page, "its firmware inventory", step, "inspect"),
      service.origin,
    );
    for (const link of links) {
      if ("path" in link) paths.add(link.path);
      else throw service.unfit("a member of its firmware inventory leads to another origin, or nowhere", "inspect");
    }
    if ("problem" in next && next.problem !== "absent") {
      throw service.unfit("the next page of its firmware inventory is at another origin, or nowhere", "inspect");
    }
    page = "path" in next ? next.path : undefined;
  }
  if (paths.size === 0) throw service.unfit("its firmware inventory has no members", "inspect");
  return [...paths];
}

/** What the only manager that names an active image says of it (DSP8010 Manager, Links.ActiveSoftwareImage). */
async function imagesOf(service: Service, step: Step): Promise<Images | undefined> {
  const { origin } = service;
  const managers = linkOf(valueAt(await service.root(step, "inspect"), "/Managers/@odata.id"), origin);
  if ("problem" in managers) return undefined;
  const { links } = membersOf(await service.read(managers.path, "its collection of managers", step, "inspect"), origin);
  const found: Images[] = [];
  for (const link of links.slice(0, mostManagers)) {
    if ("problem" in link) continue;
    const manager = await service.read(link.path, "its manager", step, "inspect");
    const active = linkOf(valueAt(manager, "/Links/ActiveSoftwareImage/@odata.id"), origin);
    if ("problem" in active) continue;
    const kept = valueAt(manager, "/Links/SoftwareImages");
    const all = (Array.isArray(kept) ? (kept as readonly Resource[]) : [])
      .map((image) => linkOf(valueAt(image, "/@odata.id"), origin))
      .flatMap((image) => ("path" in image ? [image.path] : []));
    found.push({ active: active.path, all: [active.path, ...all] });
  }
  const [only, ...more] = found;
  return more.length === 0 ? only : undefined;
}

/** Ids for a message: as many as help, and only those that are plain words. */
function namesOf(paths: readonly string[]): string {
  const ids = paths.map(idOf).filter((id) => /^[\w.\-:()]{1,64}$/.test(id));
  return `${ids.slice(0, mostNamed).join(", ")}${ids.length > mostNamed ? ", …" : ""}`;
}
