import { InternTable } from "../../src/http/intern.ts";
import type { Context, Runner } from "../types.ts";

const lines: readonly (readonly [string, string])[] = [
  ["Content-Type", "application/json"],
  ["Content-Length", "19"],
  ["Connection", "keep-alive"],
  ["Server", "acme-pos/2.4.0 (embedded; rtos 10.4)"],
  ["Cache-Control", "no-store"],
  ["X-Hardware", "pos-terminal-rev-c"],
];
const raw: readonly Buffer[] = lines.flat().map((text) => Buffer.from(text, "latin1"));

/**
 * The headers of one answer per operation, decoded and kept as evidence: through the table of known strings, or each
 * decoded anew.
 */
export function prepare({ parameters }: Context): Runner {
  const names = new InternTable();
  const values = new InternTable();
  const interned = (bytes: Buffer, name: boolean): string => (name ? names : values).get(bytes, name);
  const decoded = (bytes: Buffer, name: boolean): string =>
    name ? bytes.toString("latin1").toLowerCase() : bytes.toString("latin1");
  const read = parameters.variant === "on" ? interned : decoded;
  let evidence: (readonly string[])[] = [];
  return {
    run: async (ops) => {
      evidence = [];
      for (let index = 0; index < ops; index++) evidence.push(raw.map((bytes, place) => read(bytes, place % 2 === 0)));
      return undefined;
    },
    close: () => {
      evidence = [];
    },
  };
}
