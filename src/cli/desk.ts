import type { Device, DeviceOutcome, Profile } from "../core/index.ts";
import { exitCodes } from "./exit-codes.ts";
import type { Flags } from "./flags.ts";
import type { Io, Job } from "./job.ts";
import { stagingAsked } from "./profile.ts";
import type { View } from "./progress/view.ts";
import type { Records } from "./records.ts";
import { Report } from "./report.ts";
import type { Result } from "./results.ts";
import type { Recorder } from "./store/recorder.ts";
import { printable } from "./text.ts";
import { errorInFlags, type Situation } from "./words.ts";

export interface DeskOptions {
  readonly flags: Flags;
  readonly io: Io;
  readonly view: View;
  readonly devices: readonly Device[];
  readonly profile: Profile;
  readonly situationOf: (device: string) => Situation;
  readonly recorder: Recorder | undefined;
  readonly records: Records | undefined;
}

/** Takes what each device ended with: prints it, counts it, and has it kept where that was asked for. */
export class Desk implements Pick<Job, "settle" | "settleKept" | "tell"> {
  readonly #options: DeskOptions;
  readonly #report: Report;
  #unkept = 0;

  constructor(options: DeskOptions) {
    this.#options = options;
    const { flags, io, view, devices, profile } = options;
    const staging = new Set(devices.filter((device) => stagingAsked(profile, device.profile)).map(({ id }) => id));
    this.#report = new Report({
      json: flags.json === true,
      print: (line) => view.aside(() => io.stdout.write(`${line}\n`)),
      stagingAsked: (device) => staging.has(device),
      idWidth: Math.min(
        32,
        devices.reduce((width, { id }) => Math.max(width, id.length), 0),
      ),
    });
  }

  readonly settle = (ended: Result): void => {
    const { view, recorder } = this.#options;
    const result = "error" in ended ? { ...ended, error: this.#inWords(ended) } : ended;
    view.ended(result);
    this.#report.add(result);
    recorder?.add(result);
  };

  readonly settleKept = async (outcome: DeviceOutcome): Promise<void> => {
    await this.#options.records?.keep(outcome.record).catch((error: NodeJS.ErrnoException) => {
      this.#unkept++;
      const what = `The record of ${outcome.device} could not be written (${error.code ?? "unknown"})`;
      this.#say(`${what}; its outcome stands.`);
    });
    this.settle(outcome);
  };

  readonly tell = (line: string): void => {
    if (this.#options.flags.quiet !== true) this.#say(line);
  };

  /** Once all have ended. @returns the exit code */
  async end(): Promise<number> {
    const { recorder, view } = this.#options;
    await recorder?.settled();
    this.#report.end(view.board.elapsed);
    const { exitCode } = this.#report;
    return this.#unkept > 0 ? Math.max(exitCode, exitCodes.failed) : exitCode;
  }

  #inWords({ device, error }: Extract<Result, { readonly error: unknown }>) {
    const { flags, situationOf } = this.#options;
    return errorInFlags(error, { deviceWords: flags.deviceWords, ...situationOf(device) });
  }

  #say(line: string): void {
    const { io, view } = this.#options;
    view.aside(() => io.stderr.write(`${printable(line)}\n`));
  }
}
