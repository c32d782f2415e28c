import { expect, it } from "vitest";
import { checkMethod } from "./method.ts";

it.each(["GET", "PUT", "POST", "PATCH", "DELETE", "HEAD", "OPTIONS", "M-SEARCH"])("lets %s pass", (method) => {
  expect(() => checkMethod(method)).not.toThrow();
});

it.each(["", "get", "CONNECT", "TRACE", "GET ", "G ET", "GET\r\n", "É", "1GET", "A".repeat(33), 7])(
  "refuses %j",
  (method) => {
    expect(() => checkMethod(method as string)).toThrow(expect.objectContaining({ code: "invalid_option" }));
  },
);
