import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Terminal, ticking } from "../progress/terminal.suite.ts";
import { Told } from "./import-told.ts";

beforeEach(() => void vi.stubEnv("TERM", "xterm"));
afterEach(() => void vi.unstubAllEnvs());

const row = { line: 3, id: "b", result: "invalid_address", reason: "address must be http://" };
const signal = new AbortController().signal;

it("draws how far it is on a terminal, with what was refused above it, and leaves nothing behind", () => {
  const [stdout, stderr] = [{ write: vi.fn() }, new Terminal()];
  const { clock, tick, stop } = ticking();
  const source = { read: 0, size: 1_000 };
  const told = new Told({ json: false, quiet: false, io: { stdout, stderr, signal }, source, clock });
  tick();
  expect(stderr.shown).toEqual([`[${"-".repeat(24)}] 0 rows imported, 0 ms`]);
  told.count([{ result: "created" }, { result: "updated" }, { result: "conflict" }]);
  told.refused(row);
  source.read = 500;
  tick();
  const refused = "line 3: b: invalid_address: address must be http://";
  expect(stderr.shown).toEqual([refused, `[${"#".repeat(12)}${"-".repeat(12)}] 2 rows imported, 1 refused, 0 ms`]);
  told[Symbol.dispose]();
  expect(stderr.shown).toEqual([refused]);
  expect([stop.mock.calls.length, stdout.write.mock.calls]).toEqual([1, []]);
});

it("writes a plain line now and then where nothing can be redrawn, of a pipe without a share, and none when quiet", () => {
  const draw = (quiet: boolean) => {
    const stderr = { write: vi.fn() };
    const { clock, tick } = ticking();
    const told = new Told({ json: true, quiet, io: { stdout: stderr, stderr, signal }, source: { read: 9 }, clock });
    tick();
    told[Symbol.dispose]();
    return stderr.write.mock.calls.flat().join("");
  };
  expect([draw(false), draw(true)]).toEqual(["0 rows imported, 0 ms\n", ""]);
});
