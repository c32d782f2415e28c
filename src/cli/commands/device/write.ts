import type { DeviceInput, RegisteredDevice, Registry } from "../../../core/index.ts";
import { exitCodes } from "../../exit-codes.ts";
import type { Io } from "../../job.ts";
import { changedDevice, type DeviceFieldFlags, deviceFieldsOf } from "../../store/device-fields.ts";
import { idSlices } from "../../store/ids.ts";
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
  const meanwhile = "somebody changed it meanwhile; try again";
  return eachSlice(ids, flags, io, async ({ devices }, found) => {
    const rows = [...found.values()].map((row) => changedDevice(row, flags));
    const put = await devices.put(rows, { signal: io.signal });
    return put.map((result) => (result.result === "conflict" ? { ...result, reason: meanwhile } : result));
  });
}

export async function removeDevices(ids: readonly string[], flags: StoreFlags & JsonFlag, io: Io): Promise<number> {
  return eachSlice(ids, flags, io, async ({ devices }, found) => {
    await devices.remove([...found.keys()], { signal: io.signal });
    return [...found.keys()].map((id) => ({ id, result: "removed" }));
  });
}

interface JsonFlag {
  readonly json?: boolean;
}

/** Looks devices up and tells what becomes of them, some hundred at a time. @returns the worst exit code of all */
async function eachSlice(
  ids: readonly string[],
  flags: StoreFlags & JsonFlag,
  io: Io,
  work: (registry: Registry, found: ReadonlyMap<string, RegisteredDevice>) => Promise<readonly RowResult[]>,
): Promise<number> {
  await using registry = await openStore(flags);
  let code: number = exitCodes.ok;
  for await (const slice of idSlices(ids, io.signal)) {
    const found = await registry.devices.getMany(slice, { signal: io.signal });
    const results = await work(registry, found);
    code = Math.max(code, reportRows([...results, ...missing(slice, found)], flags.json, io));
  }
  return code;
}

/** Those of the ids that nothing was found for. */
export function missing(ids: readonly string[], found: ReadonlyMap<string, unknown>): RowResult[] {
  const reason = "the store holds nothing of this id";
  return [...new Set(ids)].filter((id) => !found.has(id)).map((id) => ({ id, result: "unknown", reason }));
}
