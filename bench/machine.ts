import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { cpus, release, totalmem, type } from "node:os";
import type { Machine } from "./types.ts";

/** The first line a program prints, or nothing where it is not installed. */
function ask(program: string, ...parameters: string[]): string {
  try {
    return (
      execFileSync(program, parameters, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).split("\n")[0] ?? ""
    );
  } catch {
    return "";
  }
}

/** What figures depend on: two sets of figures are compared only where all of it is the same. */
export function describeMachine(): Machine {
  const undici = createRequire(import.meta.url)("undici/package.json") as { version: string };
  const processors = cpus();
  return {
    cpu: (processors[0]?.model ?? "unknown").trim(),
    cores: processors.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    os: `${type()} ${release()}`,
    node: process.versions.node,
    undici: undici.version,
    go: ask("go", "version").split(" ")[2]?.replace("go", "") ?? "",
    curl: ask("curl", "--version").split(" ")[1] ?? "",
    pinned: processors.length > 1 && ask("taskset", "--version") !== "",
  };
}

/** What differs between two machines, in words; empty where figures may be compared. */
export function differences(a: Machine, b: Machine): readonly string[] {
  return (Object.keys(a) as (keyof Machine)[])
    .filter((key) => a[key] !== b[key])
    .map((key) => `${key}: ${a[key] || "none"} ≠ ${b[key] || "none"}`);
}

/** `command`, held to one core where the system can. */
export function pinned(core: number, machine: Machine, command: readonly string[]): readonly string[] {
  return machine.pinned ? ["taskset", "-c", String(core), ...command] : command;
}
