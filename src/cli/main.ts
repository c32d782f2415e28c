#!/usr/bin/env node
// Nothing is imported before this check: on an older Node the rest would end in a syntax error.
const major = Number(process.versions.node.split(".", 1)[0]);
if (major < 24) {
  process.stderr.write(`flashwave: Node 24 or newer is needed, this is ${process.versions.node}.\n`);
  process.exitCode = 2;
} else {
  const { main } = await import("./program.ts");
  process.exitCode = await main(process);
}

export {};
