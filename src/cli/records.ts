import { createHash, randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { copyFile, link, mkdir, open, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { DeliveryRecord } from "../core/index.ts";
import { UsageError } from "./usage-error.ts";

/** Where `--record` puts what was delivered: one file per device. */
export interface Records {
  /** Writes one, whole or not at all, and never over another. @returns its path */
  keep(record: DeliveryRecord): Promise<string>;
}

/**
 * A folder, which is made where there is none, for a file per device; or, for one device, a file whose name ends in
 * `.json`.
 * @throws {UsageError} before anything is sent, for a place that cannot take them
 */
export async function openRecords(path: string, devices: number): Promise<Records> {
  if (path === "") throw new UsageError("--record: give it a folder, or for one device a file that ends in .json.");
  if (!path.endsWith(".json")) {
    await makeFolder(path);
    return { keep: (record) => write(record, (again) => join(path, fileName(record, again))) };
  }
  if (devices > 1) throw new UsageError(`--record: one file cannot hold ${devices} devices. Name a folder.`);
  await makeFolder(dirname(path));
  if (await exists(path))
    throw new UsageError(`--record: ${JSON.stringify(path)} is there already. Name another file.`);
  return { keep: (record) => write(record, (again) => numbered(path.slice(0, -".json".length), again)) };
}

/** `20260101T120000Z-till-4.json`: in the order of their times, and safe whatever the id holds. */
export function fileName({ device, startedAt }: Pick<DeliveryRecord, "device" | "startedAt">, again = 0): string {
  const time = new Date(startedAt).toISOString().replace(/[-:]|\.\d+/g, "");
  return numbered(`${time}-${safe(device.id)}`, again);
}

const numbered = (stem: string, again: number): string => (again === 0 ? `${stem}.json` : `${stem}.${again + 1}.json`);

const longest = 100;

/** Letters, digits, and `. _ -`; everything else as `%` and hexadecimal. What is too long ends in a digest instead. */
function safe(id: string): string {
  const bytes = [...Buffer.from(id)];
  const text = bytes
    .map((byte) => {
      const letter = String.fromCharCode(byte);
      return /[\w.-]/.test(letter) ? letter : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
    })
    .join("");
  if (text.length <= longest) return text;
  return `${text.slice(0, longest - 17)}~${createHash("sha256").update(id).digest("hex").slice(0, 16)}`;
}

const mostSame = 1_000;

async function write(record: DeliveryRecord, pathOf: (again: number) => string): Promise<string> {
  const folder = dirname(pathOf(0));
  const draft = join(folder, `.${randomUUID()}.tmp`);
  const file = await open(draft, "wx", 0o600);
  try {
    await file.writeFile(`${JSON.stringify(record, undefined, 2)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  try {
    for (let again = 0; again < mostSame; again++) {
      const path = pathOf(again);
      if (await publish(draft, path)) return path;
    }
    throw new Error(`${mostSame} files of that name are there already`);
  } finally {
    await rm(draft, { force: true });
  }
}

/** Gives the draft its name, unless that is taken. */
async function publish(draft: string, path: string): Promise<boolean> {
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    // A file system without hard links: a copy is not atomic, but takes no other's place either.
    if (codeOf(error) !== "EPERM" && codeOf(error) !== "ENOTSUP") throw error;
  }
  try {
    await copyFile(draft, path, constants.COPYFILE_EXCL);
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  }
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
    if ((await stat(path)).isDirectory()) return;
  } catch (error) {
    throw new UsageError(`--record: ${JSON.stringify(path)} cannot be a folder (${codeOf(error)}).`);
  }
  throw new UsageError(`--record: ${JSON.stringify(path)} is no folder.`);
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? "unknown";
