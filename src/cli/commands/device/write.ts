import type { DeviceInput } from "../../../core/index.ts";
import type { Io } from "../../job.ts";
import { changedDevice, type DeviceFieldFlags, deviceFieldsOf } from "../../store/device-fields.ts";
import { openStore, type StoreFlags } from "../../store/open.ts";
import { type RowResult, reportRows } from "../../store/output.ts";
import { UsageError } from "../../usage-error.ts";
import { requireKinds, requirePins } from "../../wire.ts";

export type DeviceWriteFlags = StoreFlags & DeviceFieldFlags & { readonly json?: boolean };

/** Adds one device; one that is there already is left as it is. */
export async function addDevice(id: string, flags: DeviceWriteFlags, io: Io): Promise<number> {
  const fields = deviceFieldsOf(flags);
  if (fields.address === undefined) throw new UsageError("Give --address, http(s)://host[:port].");
  requireKinds(flags);
  await requirePins(fields.pins);
  await using registry = await openStore(flags, { makes: true });
  const row = { id, ...fields, ifRevision: 0 } as DeviceInput;
  const results = await registry.devices.put([row], { signal: io.signal });
  const there = "there is a device of this id; change it with flashwave device set";
  return reportRows(
    results.map((result) => (result.result === "conflict" ? { ...result, reason: there } : result)),
    flags.json,
    io,
  );
}

/** Changes what the flags name, of each device, and nothing else. */
export async function setDevices(ids: readonly string[], flags: DeviceWriteFlags, io: Io): Promise<number> {
  const fields = deviceFieldsOf(flags);
  if (Object.keys(fields).length === 0 && flags.unset === undefined)
    throw new UsageError("Say what to set: one of the options, or --unset.");
  requireKinds(flags);
  await requirePins(fields.pins);
  await using registry = await openStore(flags);
  const found = await registry.devices.getMany(ids, { signal: io.signal });
  const rows = [...found.values()].map((row) => changedDevice(row, flags));
  const put = await registry.devices.put(rows, { signal: io.signal });
  const meanwhile = "somebody changed it meanwhile; try again";
  const results = put.map((result) => (result.result === "conflict" ? { ...result, reason: meanwhile } : result));
  return reportRows([...results, ...missing(ids, found)], flags.json, io);
}

export async function removeDevices(
  ids: readonly string[],
  flags: StoreFlags & { readonly json?: boolean },
  io: Io,
): Promise<number> {
  await using registry = await openStore(flags);
  const found = await registry.devices.getMany(ids, { signal: io.signal });
  await registry.devices.remove([...found.keys()], { signal: io.signal });
  const removed = [...found.keys()].map((id) => ({ id, result: "removed" }));
  return reportRows([...removed, ...missing(ids, found)], flags.json, io);
}

/** Those of the ids that nothing was found for. */
export function missing(ids: readonly string[], found: ReadonlyMap<string, unknown>): RowResult[] {
  const reason = "the store holds nothing of this id";
  return [...new Set(ids)].filter((id) => !found.has(id)).map((id) => ({ id, result: "unknown", reason }));
}
