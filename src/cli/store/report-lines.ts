import type { Report } from "../../core/index.ts";
import { counted, dateOf, formatBytes, formatMs, printable } from "../text.ts";

/* Reports for people. A device wrote them, or somebody in its name: they may hold anything, and be of any shape. */

/** When and what, then what it holds, a line each. */
export function reportLines({ receivedAt, kind, status, firmware, body }: Report): readonly string[] {
  const delivery = kind === "delivery" ? deliveryOf(body) : undefined;
  const { head, below } = delivery ?? {
    head: [status, firmware && `runs ${firmware}`].filter(Boolean).join(", "),
    below: linesOf(body),
  };
  const shown = below.length > mostLines ? [...below.slice(0, mostLines), "…, the rest in --json"] : below;
  return [
    printable(`${dateOf(receivedAt)}  ${kind}  ${head}`.trimEnd()),
    ...shown.map((line) => `    ${shortened(printable(line))}`),
  ];
}

const mostLines = 12;
const longestLine = 400;

const shortened = (line: string): string => (line.length > longestLine ? `${line.slice(0, longestLine)}…` : line);

interface Told {
  readonly head: string;
  readonly below: readonly string[];
}

type Fields = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const fieldsOf = (value: unknown): Fields => (isObject(value) ? value : {});
const textOf = (value: unknown): string => (typeof value === "string" ? value : "");

/** What `Recorder` keeps of a delivery; nothing for what does not look like that. */
function deliveryOf(body: unknown): Told | undefined {
  const { status, artifact, attempts, duration, error, evidence, receipt } = fieldsOf(body);
  if (typeof status !== "string") return undefined;
  const { name, version } = fieldsOf(artifact);
  const facts = [
    [textOf(name), textOf(version)].filter(Boolean).join(" "),
    typeof attempts === "number" && counted(attempts, "attempt"),
    typeof duration === "number" && formatMs(duration),
  ];
  const [why, proof, taken] = [fieldsOf(error), fieldsOf(evidence), fieldsOf(receipt)];
  const below = [
    isObject(error) && `${textOf(why["code"])}: ${textOf(why["message"])}`,
    isObject(evidence) && `runs ${textOf(proof["version"]) || "it"}, proved by ${textOf(proof["proved"])}`,
    !isObject(evidence) && typeof taken["bytes"] === "number" && `${formatBytes(taken["bytes"])} acknowledged`,
  ];
  return {
    head: [status, facts.filter(Boolean).join(", ")].filter(Boolean).join(": "),
    below: below.filter((line) => line !== false),
  };
}

/** Text as it stands, line by line; of all else `name: value`, names of what lies deeper with dots. */
function linesOf(value: unknown, name = ""): readonly string[] {
  if (value === undefined) return [];
  if (typeof value === "string") {
    const lines = value.split("\n");
    return name === "" ? lines : [`${name}: ${lines.join(" ")}`];
  }
  const entries = typeof value === "object" && value !== null ? Object.entries(value) : [];
  if (entries.length === 0) return [name === "" ? JSON.stringify(value) : `${name}: ${JSON.stringify(value)}`];
  return entries.flatMap(([member, own]) => linesOf(own, name === "" ? member : `${name}.${member}`));
}
