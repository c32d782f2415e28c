import { Command } from "commander";
import { type DeviceCommand, deviceCommand, type Flags } from "./flags.ts";

/** The flags as commander reads them, so that a misspelt option of ours cannot pass. */
export function flagsOf(line: string, name: DeviceCommand = "update"): Flags {
  const words = line.match(/'[^']*'|\S+/g)?.map((word) => word.replaceAll("'", "")) ?? [];
  const command = deviceCommand(name, "").argument("[artifact]").exitOverride();
  new Command().addCommand(command.action(() => {})).parse([name, "fw.bin", ...words], { from: "user" });
  return command.opts<Flags>();
}
