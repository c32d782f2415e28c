import { describe, expect, it } from "vitest";
import { blockSize } from "../../bytes/index.ts";
import { Secret } from "../../core/credentials.ts";
import { stage } from "./stage.suite.ts";

describe("credentials", () => {
  it("go with every request, the upload's own among them", async () => {
    await using rig = await stage({}, { checksum: false });
    const session = rig.another({ credentials: async () => ({ token: new Secret("s3cret") }) });
    await session.send(rig.artifact.payload, rig.step());
    const shown = rig.server.control.requests().map(({ headers }) => headers["authorization"]);
    expect(shown).toEqual(["Bearer s3cret", "Bearer s3cret", "Bearer s3cret"]);
  });
});

describe("a login that the device asks for", () => {
  const login = { username: "admin", password: "s3cret" };
  const knowing = (password: string) => ({
    credentials: async () => ({ username: "admin", password: new Secret(password) }),
  });

  it("is asked for by a request without bytes before each that has some", async () => {
    await using rig = await stage({ login }, { checksum: false, chunkBytes: 2 * blockSize });
    await rig.another(knowing("s3cret")).send(rig.artifact.payload, rig.step());
    const asked = rig.server.control.requests().map(({ method, headers }) => [method, "authorization" in headers]);
    expect(asked).toEqual([
      ["OPTIONS", false],
      ["OPTIONS", true],
      ["POST", true],
      ["HEAD", false],
      ["PATCH", true],
      ["HEAD", false],
      ["PATCH", true],
    ]);
    expect(rig.server.uploads()[0]).toMatchObject({ sha256: rig.artifact.digest });
  });

  it.each([
    ["wrong", "guessed"],
    ["missing", undefined],
  ])("is refused when it is %s, before any byte", async (_what, password) => {
    await using rig = await stage({ login }, {});
    const session = rig.another(password === undefined ? {} : knowing(password));
    const refused = { code: "refused", bytesOut: "none", reply: { status: 401 } };
    await expect(session.send(rig.artifact.payload, rig.step())).rejects.toMatchObject(refused);
    expect(rig.server.control.received()).toEqual([]);
  });
});
