import { inspect } from "node:util";
import { expect, it } from "vitest";
import { Secret } from "./credentials.ts";

it("shows a secret to nobody who does not ask for it", () => {
  const secret = new Secret("hunter2");
  const shown = [
    String(secret),
    `${secret}`,
    JSON.stringify({ secret }),
    inspect(secret, { showHidden: true }),
    Object.keys(secret),
  ];
  expect(shown.join()).not.toContain("hunter2");
  expect(secret.reveal()).toBe("hunter2");
});
