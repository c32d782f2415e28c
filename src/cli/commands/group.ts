import { Command, Option } from "commander";
import type { Io } from "../job.ts";
import { UsageError } from "../usage-error.ts";

export type Row = readonly [flags: string, description: string];

/** What a group of subcommands needs: what it is a part of, where to print, and whom to tell the exit code. */
export interface Host {
  readonly program: Command;
  readonly io: Io;
  readonly ended: (code: number) => void;
}

export interface Subcommand<Flags> {
  readonly name: string;
  readonly description: string;
  /** `<id>`, `[id]` or `<id...>`, with what it is. */
  readonly argument?: Row;
  readonly rows: readonly Row[];
  /** Options that may be given more than once, by their attribute names. */
  readonly repeatable?: readonly string[];
  run(argument: string | readonly string[], flags: Flags, io: Io): Promise<number>;
}

/**
 * A command that does nothing but hold others. They end and print as it does when they are made, so it takes that over
 * from the program before.
 */
export function commandGroup({ program }: Host, name: string, description: string): Command {
  return new Command(name)
    .copyInheritedSettings(program)
    .description(description)
    .allowExcessArguments()
    .helpGroup("A fleet in a store:");
}

const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

/** Adds a subcommand; it prints and ends as its parent does. */
export function addSubcommand<Flags>(group: Command, { io, ended }: Host, subcommand: Subcommand<Flags>): void {
  const { name, description, argument, rows, repeatable = [], run } = subcommand;
  const command = group.command(name).description(description).allowExcessArguments();
  if (argument !== undefined) command.argument(...argument);
  for (const [flags, text] of rows) {
    const option = new Option(flags, text);
    command.addOption(repeatable.includes(option.attributeName()) ? option.argParser(collect) : option);
  }
  command.action(async (...call: unknown[]) => {
    const isVariadic = argument?.[0].includes("...") === true;
    if (!isVariadic) requireArguments(command, argument === undefined ? 0 : 1);
    const [given, flags] = argument === undefined ? [[], call[0]] : [call[0], call[1]];
    ended(await run(given as string | readonly string[], flags as Flags, io));
  });
}

/** Arguments too many are counted here: commander would repeat them, and an unquoted header may be among them. */
export function requireArguments(command: Command, wanted: number): void {
  const extra = command.args.length - wanted;
  if (extra > 0)
    throw new UsageError(
      `${command.name()} was given ${extra} argument${extra === 1 ? "" : "s"} too many; quote what holds spaces.`,
    );
}
