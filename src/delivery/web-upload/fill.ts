import type { Payload } from "../../core/payload.ts";
import type { UploadSettings } from "./settings.ts";

const names = ["size", "sha256", "md5", "version", "name", "trial", "trialMinutes"] as const;
type Name = (typeof names)[number];

/** What stands in for each name, for one artifact. Only what some text asks for is there. */
export type Filling = Readonly<Partial<Record<Name, string>>>;

const plain = new RegExp(`\\{(${names.join("|")})\\}`, "g");
/** In a path that was percent-encoded. Braces cannot stand in a path as they are, so nothing else is met. */
const encoded = new RegExp(`(?:\\{|%7B)(${names.join("|")})(?:\\}|%7D)`, "g");

/** Reads an artifact's values as far as `texts` ask for them: an MD5 costs a read of the whole artifact. */
export async function fillingOf(
  texts: readonly string[],
  payload: Payload,
  { trial }: UploadSettings,
): Promise<Filling> {
  const { artifact } = payload;
  const asked = new Set(texts.flatMap((text) => [...text.matchAll(encoded)].map(([, name]) => name as Name)));
  return {
    size: String(artifact.length),
    sha256: artifact.digest,
    version: artifact.version,
    name: artifact.name,
    trial: String(trial),
    trialMinutes: String(Math.ceil(trial / 60)),
    ...(asked.has("md5") && { md5: await payload.hash("md5") }),
  };
}

export function fillText(text: string, filling: Filling): string {
  return text.replace(plain, (_, name: Name) => filling[name] ?? "");
}

/** In JSON a name stands within a string. */
export function fillJson(text: string, filling: Filling): string {
  return text.replace(plain, (_, name: Name) => JSON.stringify(filling[name] ?? "").slice(1, -1));
}

/** In a path and its query. */
export function fillPath(path: string, filling: Filling): string {
  return path.replace(encoded, (_, name: Name) => encodeURIComponent((filling[name] ?? "").toWellFormed()));
}
