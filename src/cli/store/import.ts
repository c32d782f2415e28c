import { createReadStream } from "node:fs";
import { isFlashwaveError, type Registry } from "../../core/index.ts";
import { exitCodes } from "../exit-codes.ts";
import type { Io } from "../job.ts";
import { counted, printable, printableJson } from "../text.ts";
import { UsageError } from "../usage-error.ts";
import { openStore, type StoreFlags } from "./open.ts";

export interface TransferFlags extends StoreFlags {
  readonly format?: string;
  readonly json?: boolean;
}

export const formatRow: readonly [flags: string, description: string] = [
  "--format <format>",
  "csv or ndjson (default: what the file's name ends in)",
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
  const format = formatOf(flags, path);
  const source = await openSource(path);
  await using registry = await openStore(flags, { makes: true });
  const transfer = await import("../../registry/transfer/index.ts");
  const told = new Told(flags.json === true, io);
  const options = { format, signal: io.signal, onRefused: told.refused };
  try {
    const counting = told.counting(registry);
    const report =
      table === "devices"
        ? await transfer.importDevices(counting.devices, source, options)
        : await transfer.importProfiles(counting.profiles, source, options);
    told.end({ ...report });
    return report.refused > 0 ? exitCodes.failed : exitCodes.ok;
  } catch (error) {
    if (!isFlashwaveError(error) || told.kept === 0) throw error;
    io.stderr.write(
      `${printable(`flashwave: ${error.message.replace(/\.?$/, ".")} ${counted(told.kept, "row")} had been imported.`)}\n`,
    );
    return exitCodes.failed;
  }
}

/** What is told of an import while it runs. */
class Told {
  kept = 0;
  readonly #json: boolean;
  readonly #io: Io;

  constructor(json: boolean, io: Io) {
    this.#json = json;
    this.#io = io;
  }

  readonly refused = (row: { readonly line: number; readonly id: string; result: string; reason: string }): void => {
    if (this.#json) this.#io.stdout.write(`${printableJson(row)}\n`);
    else {
      const { line, id, result, reason } = row;
      this.#io.stderr.write(`${printable(`line ${line}: ${id === "" ? "" : `${id}: `}${result}: ${reason}`)}\n`);
    }
  };

  end(report: Readonly<Record<string, number>>): void {
    const sum = Object.entries(report).map(([what, count]) => `${count} ${what}`);
    this.#io.stdout.write(`${this.#json ? printableJson(report) : `${sum.join(", ")}.`}\n`);
  }

  counting({ devices, profiles }: Registry): Pick<Registry, Table> {
    const count = <Result extends { readonly result: string }>(results: readonly Result[]) => {
      this.kept += results.filter(({ result }) => result === "created" || result === "updated").length;
      return results;
    };
    return {
      devices: { ...devices, put: async (...call) => count(await devices.put(...call)) },
      profiles: { ...profiles, put: async (...call) => count(await profiles.put(...call)) },
    };
  }
}

/** Opened before the store, so that a missing file makes no fleet. */
async function openSource(path: string): Promise<AsyncIterable<Uint8Array>> {
  if (path === "-") return process.stdin;
  const stream = createReadStream(path);
  try {
    await new Promise<void>((resolve, reject) => {
      stream.once("open", () => resolve());
      stream.once("error", reject);
    });
    return readable(path, stream);
  } catch (error) {
    throw unreadable(path, error);
  }
}

async function* readable(path: string, stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  try {
    yield* stream;
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(path: string, error: unknown): UsageError {
  const { code = "unreadable" } = error as NodeJS.ErrnoException;
  return new UsageError(`${JSON.stringify(printable(path))} could not be read (${code}).`);
}
