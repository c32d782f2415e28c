import type { Command } from "commander";
import { deviceFieldRows, repeatableFields, unsetRow } from "../../store/device-fields.ts";
import { filterRows } from "../../store/filter.ts";
import { idsArgument } from "../../store/ids.ts";
import { importRows, importTable, type TransferFlags } from "../../store/import.ts";
import { storeRows } from "../../store/open.ts";
import { addSubcommand, commandGroup, type Host, type Row } from "../group.ts";
import { type ExportFlags, exportDevices, type ListFlags, listDevices, showDevices } from "./read.ts";
import { addDevice, type DeviceWriteFlags, removeDevices, setDevices } from "./write.ts";

const jsonRow: Row = ["--json", "results as JSON, one document per line"];
const idsRow: Row = ["--ids", "ids alone, one a line: what show, set and remove read for -"];
const list = (argument: string | readonly string[]): readonly string[] => [argument].flat();

/** `flashwave device …`: the devices of a fleet. */
export function deviceGroup(host: Host): Command {
  const group = commandGroup(host, "device", "the devices of a fleet: add, import, list, show, set, export, remove");
  const fields = { rows: [...storeRows, ...deviceFieldRows, jsonRow], repeatable: repeatableFields };
  addSubcommand<DeviceWriteFlags>(group, host, {
    name: "add",
    description: "add a device; the first one makes the fleet",
    argument: ["<id>", "what the device is called: unique in the fleet"],
    ...fields,
    run: (id, flags, io) => addDevice(String(id), flags, io),
  });
  addSubcommand<TransferFlags>(group, host, {
    name: "import",
    description: "add devices from a file, or replace those that are there; one bad row keeps no other out",
    argument: ["<file>", "CSV or NDJSON; - is standard input"],
    rows: [...storeRows, ...importRows, jsonRow],
    run: (path, flags, io) => importTable("devices", String(path), flags, io),
  });
  addSubcommand<ListFlags>(group, host, {
    name: "list",
    description: "list devices, all or those that the filters choose",
    rows: [...storeRows, ...filterRows, ["--limit <count>", "no more than this many"], idsRow, jsonRow],
    repeatable: ["tag"],
    run: (_, flags, io) => listDevices(flags, io),
  });
  addSubcommand<ListFlags>(group, host, {
    name: "show",
    description: "show all that is known of devices",
    argument: idsArgument,
    rows: [...storeRows, jsonRow],
    run: (given, flags, io) => showDevices(list(given), flags, io),
  });
  addSubcommand<DeviceWriteFlags>(group, host, {
    name: "set",
    description: "change what the options name, and nothing else",
    argument: idsArgument,
    rows: [...storeRows, ...deviceFieldRows, unsetRow, jsonRow],
    repeatable: repeatableFields,
    run: (given, flags, io) => setDevices(list(given), flags, io),
  });
  addSubcommand<ExportFlags>(group, host, {
    name: "export",
    description: "write devices to standard output, as import reads them",
    rows: [...storeRows, ["--format <format>", "csv or ndjson (default: csv)"], ...filterRows],
    repeatable: ["tag"],
    run: (_, flags, io) => exportDevices(flags, io),
  });
  addSubcommand<ListFlags>(group, host, {
    name: "remove",
    description: "remove devices, and the profile overrides made for them",
    argument: idsArgument,
    rows: [...storeRows, jsonRow],
    run: (given, flags, io) => removeDevices(list(given), flags, io),
  });
  return group;
}
