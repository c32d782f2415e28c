import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Context, Runner } from "../types.ts";
import { noise, origins, pick, pushHeaders } from "./shared.ts";

const run = promisify(execFile);

/** The curl program, one process per round: its start is part of the figure. Its CPU time comes from the shell. */
export async function prepare({ parameters, port, file }: Context): Promise<Runner> {
  const folder = await mkdtemp(join(tmpdir(), "flashwave-bench-"));
  const configuration = join(folder, "curl.txt");
  const small = join(folder, "body.bin");
  await writeFile(small, noise(parameters.bytes ?? 0));
  const hosts = origins(parameters.devices, port);
  const get = parameters.method === "GET";
  const upload = parameters.body === "file";

  const common: string[] = ["silent", "show-error", "fail", 'header = "Expect:"'];
  for (let i = 0; !get && i < pushHeaders.length; i += 2) {
    common.push(`header = "${pushHeaders[i]}: ${pushHeaders[i + 1]}"`);
  }
  if (parameters.inFlight > 1) common.push("parallel", "parallel-immediate", `parallel-max = ${parameters.inFlight}`);

  return {
    run: async (ops) => {
      const lines = [...common];
      if (!get && !upload) lines.push(`data-binary = "@${small}"`);
      if (upload) lines.push('request = "POST"');
      for (let index = 0; index < ops; index++) {
        if (upload) lines.push(`upload-file = "${file}"`);
        lines.push(`url = "${pick(hosts, index)}${get ? "/version" : "/update"}"`, 'output = "/dev/null"');
      }
      await writeFile(configuration, lines.join("\n"));
      const { stdout } = await run("sh", ["-c", `curl -K "${configuration}" && times`]);
      return { cpuUs: childTimes(stdout) };
    },
    close: () => rm(folder, { recursive: true }),
  };
}

/** POSIX `times`: the second line is the user and system time of the shell's children, as `0m0.12s 0m0.05s`. */
function childTimes(output: string): number {
  const line = output.trim().split("\n")[1] ?? "";
  let seconds = 0;
  for (const [, minutes, rest] of line.matchAll(/(\d+)m([\d.]+)s/g)) seconds += Number(minutes) * 60 + Number(rest);
  return Math.round(seconds * 1e6);
}
