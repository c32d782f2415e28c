import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { noise } from "./peers/shared.ts";

/** What a peer names as its module to be the Go client. */
export const goModule = "peers/go";

/** What trials share: payload files by length, and the Go client. Made when first needed, gone at the end. */
export class Workshop implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), "flashwave-bench-"));
  readonly #files = new Map<number, string>();
  #go: string | undefined;

  file(bytes: number): string {
    let path = this.#files.get(bytes);
    if (path === undefined) {
      path = join(this.#folder, `${bytes}.bin`);
      writeFileSync(path, noise(bytes));
      this.#files.set(bytes, path);
    }
    return path;
  }

  go(): string {
    if (this.#go === undefined) {
      this.#go = join(this.#folder, "go-peer");
      execFileSync("go", ["build", "-o", this.#go, "."], {
        cwd: join(import.meta.dirname, goModule),
        stdio: ["ignore", "ignore", "inherit"],
      });
    }
    return this.#go;
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
