import type { Profile, ProfileFilter, ProfileRow } from "../../../core/index.ts";
import { exitCodes } from "../../exit-codes.ts";
import { given } from "../../given.ts";
import type { Io } from "../../job.ts";
import { formatOf, type TransferFlags } from "../../store/import.ts";
import { openStore, type StoreFlags } from "../../store/open.ts";
import { fieldLines, reportRows, write } from "../../store/output.ts";
import { type Resolution, resolveDevice } from "../../store/resolution.ts";
import { dateOf, printable, printableJson } from "../../text.ts";
import { UsageError } from "../../usage-error.ts";
import { limitOf } from "../device/read.ts";
import { missing } from "../device/write.ts";

export type ProfileListFlags = StoreFlags & {
  readonly kind?: string;
  readonly parent?: string;
  readonly group?: string;
  readonly device?: string;
  readonly limit?: string;
  readonly json?: boolean;
};

export async function listProfiles(flags: ProfileListFlags, io: Io): Promise<number> {
  const { kind, parent, group, device } = flags;
  if (kind !== undefined && kind !== "base" && kind !== "override")
    throw new UsageError("--kind takes base or override.");
  const filter = given({ kind: kind as ProfileFilter["kind"], parent, group, device });
  let left = limitOf(flags.limit);
  await using registry = await openStore(flags);
  for (let after: string | undefined, first = true; first || after !== undefined; first = false) {
    const page = await registry.profiles.page(filter, {
      limit: Math.min(500, left),
      signal: io.signal,
      ...(after !== undefined && { after }),
    });
    left -= page.items.length;
    after = left === 0 ? undefined : page.next;
    const lines = page.items.map((row) => (flags.json === true ? printableJson(row) : profileLine(row)));
    if (!(await write(io.stdout, lines.map((line) => `${line}\n`).join("")))) break;
  }
  return exitCodes.ok;
}

function profileLine(row: ProfileRow): string {
  const { id, name, parent, delivery } = row;
  const facts = [
    name === id ? undefined : name,
    parent === undefined ? "base" : `overrides ${parent} for ${whomFor(row)}`,
    delivery && `for ${delivery}`,
  ];
  return printable(`${id}  ${facts.filter(Boolean).join(", ")}`);
}

const whomFor = ({ group, device }: ProfileRow): string =>
  device !== undefined ? `device ${device}` : group !== undefined ? `group ${group}` : "the fleet";

type ShowFlags = StoreFlags & { readonly json?: boolean };

export async function showProfiles(ids: readonly string[], flags: ShowFlags, io: Io): Promise<number> {
  await using registry = await openStore(flags);
  const found = await registry.profiles.getMany(ids, { signal: io.signal });
  for (const row of found.values()) {
    await write(io.stdout, flags.json === true ? `${printableJson(row)}\n` : profileText(row));
  }
  return reportRows(missing(ids, found), flags.json, io);
}

function profileText(row: ProfileRow): string {
  const requests = Object.entries(row.requests).map(([purpose, request]) => [purpose, printableJson(request)] as const);
  const items = row.items.map((item) => {
    const value = item.enabled === false ? "removed" : (item.value ?? "as inherited");
    return [`${item.purpose} ${item.kind}`, `${item.name}: ${value}`] as const;
  });
  const options = Object.keys(row.options).length === 0 ? undefined : printableJson(row.options);
  return `${fieldLines([
    ["id", row.id],
    ["name", row.name],
    ["description", row.description],
    ["for", row.delivery],
    ["overrides", row.parent && `${row.parent} for ${whomFor(row)}`],
    ...requests,
    ...items,
    ["options", options],
    ["changed", `${dateOf(row.updatedAt)}, revision ${row.revision}`],
  ])}\n`;
}

/** What devices are spoken to with, and which profile says so. */
export async function resolveProfiles(ids: readonly string[], flags: ShowFlags, io: Io): Promise<number> {
  await using registry = await openStore(flags);
  const found = await registry.devices.getMany(ids, { signal: io.signal });
  for (const row of found.values()) {
    const resolution = await resolveDevice(registry.profiles, row, io.signal);
    await write(
      io.stdout,
      flags.json === true ? resolutionJson(row.id, resolution) : resolutionText(row.id, resolution),
    );
  }
  return reportRows(missing(ids, found), flags.json, io);
}

function resolutionJson(id: string, resolution: Resolution | undefined): string {
  const empty: Profile = {};
  const { profile = empty, layers = [], origins = [] } = resolution ?? {};
  const from = origins.map((origin) => [origin.pointer, origin.from ?? null]);
  return `${printableJson({ id, profile, layers: layers.map((layer) => layer.id), origins: Object.fromEntries(from) })}\n`;
}

function resolutionText(id: string, resolution: Resolution | undefined): string {
  if (resolution === undefined) return printable(`${id}  no profile: its protocol's defaults hold`).concat("\n\n");
  const { layers, origins } = resolution;
  const by = layers.length === 0 ? "a profile of its own" : layers.map((layer) => layer.id).join(" < ");
  const [wide, long] = [(part: string, width: number) => part.padEnd(width), Math.max];
  const values = origins.map(({ value }) => (typeof value === "string" ? value : JSON.stringify(value)));
  const first = Math.min(40, long(0, ...origins.map(({ pointer }) => pointer.length)));
  const second = Math.min(40, long(0, ...values.map((value) => value.length)));
  const lines = origins.map(({ pointer, from }, index) =>
    printable(`  ${wide(pointer, first)}  ${wide(values[index] ?? "", second)}  ${from ?? ""}`.trimEnd()),
  );
  return `${[printable(`${id}  ${by}`), ...lines].join("\n")}\n\n`;
}

export async function exportProfiles(flags: TransferFlags, io: Io): Promise<number> {
  const format = formatOf(flags, ".ndjson");
  await using registry = await openStore(flags);
  const transfer = await import("../../../registry/transfer/index.ts");
  const options = { format, signal: io.signal };
  for await (const piece of transfer.exportProfiles(registry.profiles, options)) {
    if (!(await write(io.stdout, piece))) break;
  }
  return exitCodes.ok;
}
