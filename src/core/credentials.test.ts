import { format, inspect } from "node:util";
import { expect, it } from "vitest";
import { Secret } from "./credentials.ts";

it("shows a secret to nobody who does not ask for it", () => {
  const secret = new Secret("hunter2");
  const shown = [
    String(secret),
    `${secret}`,
    JSON.stringify({ secret }),
    inspect(secret, { showHidden: true }),
    inspect({ deep: [{ secret }] }, { depth: 9, showHidden: true, getters: true }),
    format("%s %o %O %j", secret, secret, secret, secret),
    inspect(structuredClone({ ...{ secret: { ...secret } } }), { depth: 9 }),
    String(new Error("it failed", { cause: secret }).cause),
    Reflect.ownKeys(secret).map(String),
  ];
  expect(shown.join("\n")).not.toContain("hunter2");
  expect(inspect({ secret })).toBe("{ secret: [secret] }");
  expect(Object.isFrozen(secret)).toBe(true);
  expect(secret.reveal()).toBe("hunter2");
});
