import type { ResolvedDeviceFilter } from "../device-filter.ts";
import { lowerAscii } from "../filter.ts";
import type { DeviceEntry } from "./device-table.ts";

/** Whether a device meets all conditions, `ids` apart. */
export function matchesDevice(filter: ResolvedDeviceFilter, entry: DeviceEntry): boolean {
  const { row } = entry;
  if (filter.statuses !== undefined && !filter.statuses.includes(row.status)) return false;
  for (const [field, value] of filter.equal) if (row[field] !== value) return false;
  for (const tag of filter.tags) if (!row.tags?.includes(tag)) return false;
  return matchesFirmware(filter, entry.firmwareKey) && matchesSeen(filter, row.lastSeen) && matchesText(filter, entry);
}

function matchesFirmware({ firmware: range }: ResolvedDeviceFilter, key: string | undefined): boolean {
  const { min, max, above, below } = range;
  if (min === undefined && max === undefined && above === undefined && below === undefined) return true;
  if (key === undefined) return false;
  if ((min !== undefined && key < min) || (max !== undefined && key > max)) return false;
  return !(above !== undefined && key <= above) && !(below !== undefined && key >= below);
}

function matchesSeen(filter: ResolvedDeviceFilter, lastSeen: number | undefined): boolean {
  const { seenBefore, seenAfter } = filter;
  if (seenBefore === undefined && seenAfter === undefined) return true;
  if (lastSeen === undefined) return false;
  return (seenBefore === undefined || lastSeen < seenBefore) && (seenAfter === undefined || lastSeen >= seenAfter);
}

function matchesText({ text }: ResolvedDeviceFilter, { row }: DeviceEntry): boolean {
  if (text === undefined) return true;
  return lowerAscii(row.id).includes(text) || (row.name !== undefined && lowerAscii(row.name).includes(text));
}
