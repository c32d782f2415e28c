import fc from "fast-check";
import { describe, expect } from "vitest";
import { readDeviceRow } from "../../src/registry/device-row.ts";
import { bent } from "./bent.ts";
import { fuzzTest, judge } from "./kit.ts";

const rests = [
  '{"probe":"http","pins":["sha256/x"],"tags":["a","b"],"metadata":{"room":"7"}}',
  '{"tags":["a"],"address":"http://169.254.169.254","id":"other","profile":{"send":{}}}',
  '{"__proto__":{"address":"http://evil"},"constructor":{"prototype":{}},"metadata":{"__proto__":"x"}}',
];
const evidence = ['{"device":"pos-1","proved":"digest","version":"2.4.0","newBoot":"seen","reads":3}'];
const names = [
  "id",
  "address",
  "status",
  "createdAt",
  "updatedAt",
  "revision",
  "probe",
  "pins",
  "tags",
  "metadata",
  "evidence",
];

describe("a registry's stored rows", () => {
  fuzzTest(
    "are devices at their own address, or cannot be read",
    60_000,
    fc.tuple(bent(rests), bent(evidence)),
    ([rest, told]) =>
      judge(() => {
        const columns = ["pos-1", "http://10.0.0.12", null, null, null, null, null, null, null, String(rest)];
        const row = [...columns, "unknown", null, null, String(told), 1, 1, 1];
        const device = readDeviceRow(row, new Map());
        expect(device).toMatchObject({ id: "pos-1", address: "http://10.0.0.12" });
        expect(Object.getPrototypeOf(device)).toBe(Object.prototype);
        expect(Object.keys(device).filter((name) => !names.includes(name))).toEqual([]);
        return device;
      }),
  );
});
