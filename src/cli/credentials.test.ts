import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { readCredentials } from "./credentials.ts";
import type { Flags } from "./flags.ts";
import { Rig, run } from "./run.suite.ts";

const rig = new Rig();
afterAll(() => rig[Symbol.asyncDispose]());

async function file(text: string): Promise<string> {
  const path = join(await rig.directory(), "secret");
  await writeFile(path, text);
  return path;
}

describe("the credentials of a command line", () => {
  it("come from files and from the environment", async () => {
    const env = { FW_PASSWORD: "from-env", FW_TOKEN: "token-env" };
    const read = async (flags: Flags) => {
      const credentials = await readCredentials(flags, env);
      return credentials && [credentials.username, (credentials.token ?? credentials.password).reveal()];
    };
    expect(await read({})).toBeUndefined();
    expect(await read({ user: "admin", passwordFile: await file("p w\n") })).toEqual(["admin", "p w"]);
    expect(await read({ user: "admin", passwordFile: await file("p\r\n") })).toEqual(["admin", "p"]);
    expect(await read({ user: "admin", passwordFile: await file("p\n\n") })).toEqual(["admin", "p\n"]);
    expect(await read({ user: "admin", passwordEnv: "FW_PASSWORD" })).toEqual(["admin", "from-env"]);
    expect(await read({ tokenFile: await file("t") })).toEqual([undefined, "t"]);
    expect(await read({ tokenEnv: "FW_TOKEN" })).toEqual([undefined, "token-env"]);
  });

  it.each<[Flags, string]>([
    [{ user: "admin" }, "Give --password-file or --password-env for --user"],
    [{ user: "admin:CANARY" }, "--user takes a name alone"],
    [{ passwordEnv: "CANARY_ENV" }, "Give --user"],
    [{ user: "a", passwordEnv: "NOTHING" }, "--password-env: this variable is not set"],
    [{ user: "a", passwordEnv: "CANARY_ENV", passwordFile: "x" }, "exclude each other"],
    [{ tokenEnv: "CANARY_ENV", tokenFile: "x" }, "--token-file and --token-env exclude each other"],
    [{ user: "a", tokenEnv: "CANARY_ENV" }, "A token and --user exclude each other"],
    [{ tokenFile: "/nonexistent" }, "could not be read (ENOENT)"],
  ])("are refused where they make no sense: %o", async (flags, sentence) => {
    const work = readCredentials(flags, { CANARY_ENV: "CANARY" });
    await expect(work).rejects.toThrow(sentence);
    await expect(work).rejects.not.toThrow("CANARY");
  });

  it("are refused as part of the command line", async () => {
    for (const option of ["--password=CANARY", "--token=CANARY", "--user=admin:CANARY"]) {
      const { code, out, err } = await run(["inspect", "--to", "http://127.0.0.1:1", option]);
      expect(code).toBe(2);
      expect(out + err).not.toContain("CANARY");
    }
  });
});

/** A device that reads only for who logs in by Digest. */
async function digestDevice(user: string, password: string) {
  const md5 = (text: string) => createHash("md5").update(text).digest("hex");
  const knows = ({ headers, method, url }: IncomingMessage) => {
    const given = new Map(
      [...(headers.authorization ?? "").matchAll(/(\w+)=(?:"([^"]*)"|([^,\s]+))/g)].map(([, name, a, b]) => [
        name,
        a ?? b,
      ]),
    );
    const [nc, cnonce] = [given.get("nc"), given.get("cnonce")];
    const wanted = md5(`${md5(`${user}:lab:${password}`)}:n1:${nc}:${cnonce}:auth:${md5(`${method}:${url}`)}`);
    return given.get("response") === wanted;
  };
  const server = createServer((request, response) => {
    if (knows(request)) response.end('{"version":"1.4.0"}');
    else response.writeHead(401, { "www-authenticate": 'Digest realm="lab", nonce="n1", qop="auth"' }).end();
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  const port = address !== null && typeof address === "object" ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => void server.close(() => resolve())),
  };
}

describe("a device with a login", () => {
  it("is read with it, told what is wrong without, and no secret is printed", async () => {
    await using device = await digestDevice("admin", "CANARY right");
    const env = { ...process.env, FW_RIGHT: "CANARY right", FW_WRONG: "CANARY wrong" };
    const inspect = (...flags: readonly string[]) => run(["inspect", "--to", device.url, ...flags], undefined, env);
    const right = await inspect("--user", "admin", "--password-env", "FW_RIGHT");
    expect(right).toMatchObject({ code: 0, out: expect.stringContaining("1.4.0") });
    const wrong = await inspect("--user", "admin", "--password-env", "FW_WRONG");
    expect(wrong).toMatchObject({ code: 3, out: expect.stringContaining("and refused the login given with --user;") });
    const none = await inspect();
    expect(none).toMatchObject({
      code: 3,
      out: expect.stringContaining("if it wants a login, give --user or a token"),
    });
    for (const { out, err } of [right, wrong, none]) expect(out + err).not.toContain("CANARY");
  });
});
