import type { DeliveryOptions } from "../core/profile.ts";
import { isPrintable, isRecord, isReservedName, isText } from "./plain.ts";

/** What `readDeliveryOptions` asks for, to be told after the field's name. */
export const deliveryOptionsRule =
  "options must be at most 64 names of 1 to 128 printable characters, each with a finite number, true, false, or text of at most 4,096 characters";

/** A frozen copy, or nothing when it is not flat. Which options there are is for the delivery to know. */
export function readDeliveryOptions(value: unknown): DeliveryOptions | undefined {
  if (!isRecord(value)) return undefined;
  const entries = Object.entries(value).filter(([, option]) => option !== undefined);
  const isEntry = ([name, option]: [string, unknown]) =>
    isPrintable(name, 128) && !isReservedName(name) && isOption(option);
  if (entries.length > 64 || !entries.every(isEntry)) return undefined;
  return Object.freeze(Object.fromEntries(entries)) as DeliveryOptions;
}

function isOption(value: unknown): boolean {
  return typeof value === "boolean" || Number.isFinite(value) || isText(value, 4_096);
}
