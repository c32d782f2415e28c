import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";

/**
 * A disk of a few megabytes in memory, as long as it is needed; nothing where it cannot be had: only root may mount. With
 * `FLASHWAVE_PEERS=required`, as in CI, that is a failure.
 */
export function mountSmall(
  path: string,
  size: string,
  owner?: { readonly uid: number; readonly gid: number },
): Disposable | undefined {
  mkdirSync(path, { recursive: true });
  const whose = owner === undefined ? "" : `,uid=${owner.uid},gid=${owner.gid},mode=700`;
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size}${whose}`, "tmpfs", path], { stdio: "ignore" });
  } catch (cause) {
    if (process.env["FLASHWAVE_PEERS"] !== "required") return undefined;
    throw new Error("No tmpfs could be mounted for a disk that is full; run the tests as root.", { cause });
  }
  return { [Symbol.dispose]: () => void execFileSync("umount", [path]) };
}
