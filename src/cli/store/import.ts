import { isFlashwaveError, type ProfilePutResult, type Registry } from "../../core/index.ts";
import { exitCodes } from "../exit-codes.ts";
import type { Io } from "../job.ts";
import { UsageError } from "../usage-error.ts";
import { inFlags } from "../words.ts";
import { openSource } from "./import-source.ts";
import { Told } from "./import-told.ts";
import { openStore, type StoreFlags } from "./open.ts";
import { faultOfRow } from "./profile-check.ts";

export interface TransferFlags extends StoreFlags {
  readonly format?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export const importRows: readonly (readonly [flags: string, description: string])[] = [
  ["--format <format>", "csv or ndjson (default: what the file's name ends in)"],
  ["--quiet", "no progress"],
];

type Format = "csv" | "ndjson";

export function formatOf({ format }: TransferFlags, path: string): Format {
  if (format === "csv" || format === "ndjson") return format;
  if (format !== undefined) throw new UsageError("--format takes csv or ndjson.");
  if (/\.csv$/i.test(path)) return "csv";
  if (/\.(?:ndjson|jsonl)$/i.test(path)) return "ndjson";
  throw new UsageError("Give --format, csv or ndjson: the file's name does not tell.");
}

type Table = "devices" | "profiles";

/** Puts rows from a file, or from standard input for `-`, a few hundred at a time. @returns 3 where some were refused */
export async function importTable(table: Table, path: string, flags: TransferFlags, io: Io): Promise<number> {
  const { signal } = io;
  const format = formatOf(flags, path);
  const source = await openSource(path, signal);
  await using opened = new AsyncDisposableStack();
  // Not before there is a row: what is no list of rows makes no fleet.
  let registry: Promise<Registry> | undefined;
  const open = () => (registry ??= openStore(flags, { makes: true }).then((made) => opened.use(made)));
  const transfer = await import("../../registry/transfer/index.ts");
  using told = new Told({ json: flags.json === true, quiet: flags.quiet === true, io, source });
  const options = { format, signal, onRefused: told.refused };
  const { devices, profiles } = counting(open, told);
  try {
    const report =
      table === "devices"
        ? await transfer.importDevices(devices, source, options)
        : await transfer.importProfiles(profiles, source, options);
    told.end({ ...report });
    return report.refused > 0 ? exitCodes.failed : exitCodes.ok;
  } catch (error) {
    if (signal.aborted) {
      told.brokenOff(`${signal.reason.message}:`, " Import it again to go on: what is there is put anew.");
      return exitCodes.interrupted;
    }
    const isTold = isFlashwaveError(error) || error instanceof UsageError;
    if (!isTold || told.kept === 0) throw error;
    // How many they were is said with what was refused.
    const message = error.message.replace(/; \d+ rows? (?:was|were) imported before$/, "");
    told.brokenOff(inFlags(message).replace(/\.?$/, "."));
    return exitCodes.failed;
  }
}

/** A registry's doors for rows, each with an eye on what came of them. */
function counting(open: () => Promise<Registry>, told: Told): { readonly [T in Table]: Pick<Registry[T], "put"> } {
  const counted = <Result extends { readonly result: string }>(results: readonly Result[]) => {
    told.count(results);
    return results;
  };
  return {
    devices: { put: async (...call) => counted(await (await open()).devices.put(...call)) },
    profiles: {
      async put(rows, options) {
        const { profiles } = await open();
        const faults = await Promise.all(rows.map(faultOfRow));
        const put = await profiles.put(
          rows.filter((_, at) => faults[at] === undefined),
          options,
        );
        const results = put.values();
        return counted(
          rows.map(({ id }, at): ProfilePutResult => {
            const reason = faults[at];
            if (reason !== undefined) return { id, result: "invalid_profile", reason };
            return results.next().value as ProfilePutResult;
          }),
        );
      },
    },
  };
}
