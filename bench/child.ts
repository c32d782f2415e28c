import { type ChildProcessByStdio, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";

/** A process that answers each line we write with one line of its own. */
export class Child implements AsyncDisposable {
  readonly #process: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #lines: AsyncIterator<string>;
  readonly #ended: Promise<void>;
  #complaint = "";

  constructor(command: readonly string[], cwd?: string) {
    const [program = "", ...parameters] = command;
    this.#process = spawn(program, parameters, {
      stdio: ["pipe", "pipe", "pipe"],
      ...(cwd === undefined ? {} : { cwd }),
    });
    this.#process.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#complaint = (this.#complaint + text).slice(-2_000);
    });
    // A child that died is noticed by its missing line.
    this.#process.stdin.on("error", () => undefined);
    this.#ended = new Promise((resolve) => {
      this.#process.once("exit", () => resolve());
      this.#process.once("error", (error) => {
        this.#complaint += error.message;
        resolve();
      });
    });
    this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();
  }

  /** @throws when the process ends, or is silent for two minutes */
  async line(): Promise<string> {
    const patience = setTimeout(() => {
      this.#complaint = "No answer in two minutes.";
      this.#process.kill("SIGKILL");
    }, 120_000);
    const { value, done } = await this.#lines.next();
    clearTimeout(patience);
    if (done === true) {
      await this.#ended;
      throw new Error(this.#complaint.trim() || "The process ended without a word.");
    }
    return value;
  }

  ask(question: string): Promise<string> {
    this.#process.stdin.write(`${question}\n`);
    return this.line();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.stdin.end();
    const patience = setTimeout(() => this.#process.kill("SIGKILL"), 5_000);
    await this.#ended;
    clearTimeout(patience);
  }
}
