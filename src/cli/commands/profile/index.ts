import type { Command } from "commander";
import { profileRows } from "../../flags.ts";
import { importRows, importTable, type TransferFlags } from "../../store/import.ts";
import { storeRows } from "../../store/open.ts";
import { addSubcommand, commandGroup, type Host, type Row } from "../group.ts";
import { exportProfiles, listProfiles, type ProfileListFlags, resolveProfiles, showProfiles } from "./read.ts";
import { addProfile, overrideProfile, type ProfileWriteFlags, removeProfiles, setProfile } from "./write.ts";

const jsonRow: Row = ["--json", "results as JSON, one document per line"];
const list = (argument: string | readonly string[]): readonly string[] => [argument].flat();

const content: readonly Row[] = [
  ["--file <file>", "what it says, as JSON: requests by purpose (send, inspect, health, …), options"],
  ...profileRows,
  ["--via <kind>", "the protocol it is written for"],
  ["--name <name>", "a name for people (default: its id)"],
  ["--description <text>", "what it is for"],
];

/** `flashwave profile …`: how the devices of a fleet are spoken to. */
export function profileGroup(host: Host): Command {
  const group = commandGroup(host, "profile", "how devices are spoken to: add, override, resolve, list, show, set, …");
  const writes = { rows: [...storeRows, ...content, jsonRow], repeatable: ["header", "option"] };
  addSubcommand<ProfileWriteFlags>(group, host, {
    name: "add",
    description: "add a profile, from a file or from options",
    argument: ["<id>", "what the profile is called: unique in the fleet"],
    ...writes,
    run: (id, flags, io) => addProfile(String(id), flags, io),
  });
  addSubcommand<ProfileWriteFlags>(group, host, {
    name: "override",
    description: "add what is different for a group, for a device, or, without both, for all that have the profile",
    argument: ["<parent>", "the profile, or another override, to lay it over"],
    rows: [
      ...storeRows,
      ["--group <group>", "for the devices of this group"],
      ["--device <id>", "for this device"],
      ["--id <id>", "what the override is called (default: made of the parent and whom it is for)"],
      ...content,
      jsonRow,
    ],
    repeatable: writes.repeatable,
    run: (parent, flags, io) => overrideProfile(String(parent), flags, io),
  });
  addSubcommand<ProfileWriteFlags>(group, host, {
    name: "set",
    description: "change what the options name; --file replaces all it says",
    argument: ["<id>", "a profile or an override"],
    ...writes,
    run: (id, flags, io) => setProfile(String(id), flags, io),
  });
  addReads(group, host);
  return group;
}

function addReads(group: Command, host: Host): void {
  addSubcommand<ProfileListFlags>(group, host, {
    name: "resolve",
    description: "show what devices are spoken to with, and which profile says so",
    argument: ["<device...>", "ids of devices"],
    rows: [...storeRows, jsonRow],
    run: (ids, flags, io) => resolveProfiles(list(ids), flags, io),
  });
  addSubcommand<ProfileListFlags>(group, host, {
    name: "list",
    description: "list profiles and overrides",
    rows: [
      ...storeRows,
      ["--kind <kind>", "base or override"],
      ["--parent <id>", "direct overrides of this profile"],
      ["--group <group>", "overrides for this group"],
      ["--device <id>", "overrides for this device"],
      ["--limit <count>", "no more than this many"],
      jsonRow,
    ],
    run: (_, flags, io) => listProfiles(flags, io),
  });
  addSubcommand<ProfileListFlags>(group, host, {
    name: "show",
    description: "show what profiles say",
    argument: ["<id...>", "profiles or overrides"],
    rows: [...storeRows, jsonRow],
    run: (ids, flags, io) => showProfiles(list(ids), flags, io),
  });
  addSubcommand<TransferFlags>(group, host, {
    name: "import",
    description: "add profiles from a file, or replace those that are there; parents before what overrides them",
    argument: ["<file>", "CSV or NDJSON; - is standard input"],
    rows: [...storeRows, ...importRows, jsonRow],
    run: (path, flags, io) => importTable("profiles", String(path), flags, io),
  });
  addSubcommand<TransferFlags>(group, host, {
    name: "export",
    description: "write profiles to standard output, as import reads them",
    rows: [...storeRows, ["--format <format>", "csv or ndjson (default: ndjson)"]],
    run: (_, flags, io) => exportProfiles(flags, io),
  });
  addSubcommand<ProfileListFlags>(group, host, {
    name: "remove",
    description: "remove profiles and all that overrides them; one that devices name stays",
    argument: ["<id...>", "profiles or overrides"],
    rows: [...storeRows, jsonRow],
    run: (ids, flags, io) => removeProfiles(list(ids), flags, io),
  });
}
