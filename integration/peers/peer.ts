import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import { describe, it } from "vitest";

/** Where Debian puts what a user's own path may lack. */
const folders = [...(process.env["PATH"] ?? "").split(":"), "/usr/sbin", "/sbin"];

/** The full path of an installed program, or nothing. */
export function programPath(name: string): string | undefined {
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Tests against a real peer: `body` is given the paths of its programs. Where one is not installed they are skipped by
 * name; with `FLASHWAVE_PEERS=required`, as in CI, that is a failure.
 */
export function describePeer<const Name extends string>(
  peer: string,
  programs: readonly Name[],
  body: (paths: Readonly<Record<Name, string>>) => void,
): void {
  const missing = programs.filter((name) => programPath(name) === undefined);
  if (missing.length === 0) {
    const paths = Object.fromEntries(programs.map((name) => [name, programPath(name)]));
    describe(`with the real ${peer}`, () => body(paths as Record<Name, string>));
  } else if (process.env["FLASHWAVE_PEERS"] === "required") {
    it(`needs the real ${peer}`, () => {
      throw new Error(`Not installed: ${missing.join(", ")}. Install it as .ci/run does.`);
    });
  } else {
    describe.skip(`with the real ${peer} (not installed: ${missing.join(", ")})`, () =>
      body({} as Record<Name, string>));
  }
}
