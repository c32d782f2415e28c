import { createRequire } from "node:module";
import { Command, CommanderError } from "commander";
import { isFlashwaveError } from "../core/index.ts";
import { artifactCommand } from "./commands/artifact.ts";
import { deviceGroup } from "./commands/device/index.ts";
import { requireArguments } from "./commands/group.ts";
import { inspect } from "./commands/inspect.ts";
import { profileGroup } from "./commands/profile/index.ts";
import { push } from "./commands/push.ts";
import { update } from "./commands/update.ts";
import { verify } from "./commands/verify.ts";
import { exitCodes, isRefusal } from "./exit-codes.ts";
import { type DeviceCommand, deviceCommand, type Flags } from "./flags.ts";
import { type Interruptible, watchInterrupt } from "./interrupt.ts";
import type { Io } from "./job.ts";
import type { Screen } from "./progress/drawing.ts";
import { printable } from "./text.ts";
import { UsageError } from "./usage-error.ts";
import { inFlags } from "./words.ts";

/** What the command line uses of `process`. */
export interface Host extends Interruptible {
  readonly argv: readonly string[];
  readonly stdout: Stream;
  readonly stderr: Stream;
}

type Stream = Screen & { on(event: "error", listener: (error: NodeJS.ErrnoException) => void): unknown };

/** Runs one command line. @returns the exit code; the process then ends by itself, since nothing is left open */
export async function main(host: Host): Promise<number> {
  const { stdout, stderr } = host;
  for (const stream of [stdout, stderr]) stream.on("error", ignoreClosedPipe);
  const say = (line: string) => void stderr.write(`${printable(line)}\n`);
  using interrupt = watchInterrupt(host);
  let code: number = exitCodes.ok;
  const program = createProgram({ stdout, stderr, signal: interrupt.signal }, (ended) => {
    code = ended;
  });
  try {
    await program.parseAsync(host.argv);
    return interrupt.exitCode ?? code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    if (interrupt.exitCode !== undefined) return interrupt.exitCode;
    if (!(error instanceof UsageError) && !isFlashwaveError(error)) throw error;
    say(`flashwave: ${isFlashwaveError(error) ? inFlags(error.message) : error.message}`);
    if (!isFlashwaveError(error)) return exitCodes.usage;
    if (isRefusal(error)) return exitCodes.refused;
    // A store that fails says nothing of the command line.
    return error.code === "registry_failed" ? exitCodes.failed : exitCodes.usage;
  }
}

/** Whoever reads the results may leave early, as `head` does; an update is not broken off for that. */
function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE") throw error;
}

const descriptions: Readonly<Record<DeviceCommand, string>> = {
  push: "send an artifact to devices; a receipt says that they have the bytes, not that they run them",
  verify: "read devices until each was seen running the artifact",
  update: "send an artifact to devices and prove that they run it",
  inspect: "read what devices run",
};

const devicesHelp = `
A device is an address, or id=address; quoted, or in a file, it may name its own protocol and probe:
  --to "till-4=10.0.0.4 via=http probe=http"
Ids given so hold no spaces.
All other options hold for every device of the command.`;

const epilogue = `
Progress goes to stderr, results to stdout.
Exit codes: 0 all as asked, 2 usage, 3 some devices failed, some rows were refused or the store failed, 4 some unknown, or staged though that was not asked for,
5 verification failed, 6 not admitted (the highest of these four wins), 130 interrupted (SIGINT), 143 terminated (SIGTERM). A second signal ends at once.`;

function createProgram(io: Io, ended: (code: number) => void): Command {
  const { version } = createRequire(import.meta.url)("flashwave/package.json") as { readonly version: string };
  const program = new Command("flashwave")
    .description("Push firmware to devices over HTTP and prove what they then run.")
    .version(version)
    .addHelpText("after", epilogue)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
      outputError: (text, write) =>
        write(
          `${printable(
            text
              .trim()
              .replace(/\s+/g, " ")
              .replace(/^error:/, "flashwave:")
              // An option that is none may have been given a secret.
              .replace(/(unknown option '-[^=']*)=.*'/, "$1'")
              .replace(
                /(unknown option '--(?:device|address|host)')/,
                "$1; update, push, verify and inspect name devices with --to",
              )
              .replace("argument 'artifact'", "argument 'artifact'; name it first, since --to takes what follows it"),
          )}\n`,
        ),
    });
  // Arguments too many are counted here: commander would repeat them, and an unquoted header may be among them.
  const device = (name: DeviceCommand) => deviceCommand(name, descriptions[name]).addHelpText("after", devicesHelp);
  const add = (command: Command) => program.addCommand(command.copyInheritedSettings(program).allowExcessArguments());
  const withArtifact = { push, verify, update };
  for (const name of ["update", "push", "verify"] as const) {
    add(
      device(name)
        .argument("<artifact>", "the firmware file")
        .usage("<artifact> [options]")
        .action(async (path: string, flags: Flags, command: Command) => {
          requireArguments(command, 1);
          ended(await withArtifact[name](path, flags, io));
        }),
    );
  }
  add(
    device("inspect").action(async (flags: Flags, command: Command) => {
      requireArguments(command, 0);
      ended(await inspect(flags, io));
    }),
  );
  add(artifactCommand(program, io, ended));
  add(
    new Command("demo")
      .description("update a simulated fleet, with devices that fail in instructive ways; needs no hardware")
      .action(async (_, command: Command) => {
        requireArguments(command, 0);
        // With it come simulated devices of every kind, which no other command needs.
        const { demo } = await import("./commands/demo.ts");
        ended(await demo(io));
      }),
  );
  for (const group of [deviceGroup, profileGroup]) add(group({ program, io, ended }));
  return program;
}
