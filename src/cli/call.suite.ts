import { main } from "./program.ts";
import type { Ended } from "./run.suite.ts";

class Stream {
  text = "";
  write(text: string): void {
    this.text += text;
  }
  on(): void {}
}

/** Runs a command line within this process: what is tested is what it does and says, not how it starts and ends. */
export async function call(...args: readonly string[]): Promise<Ended> {
  const [stdout, stderr] = [new Stream(), new Stream()];
  const host = {
    argv: ["node", "flashwave", ...args],
    stdout,
    stderr,
    on: () => {},
    off: () => {},
    exit: () => {
      throw new Error("nobody interrupts");
    },
  };
  const code = await main(host);
  return { code, out: stdout.text, err: stderr.text };
}

export const jsonLines = ({ out }: Ended): ReturnType<typeof JSON.parse>[] =>
  out
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
