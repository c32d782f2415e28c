import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { startDeviceServer, writeFirmware } from "../mocks/index.ts";
import { call, jsonLines } from "../src/cli/call.suite.ts";
import { hasty } from "../src/cli/run.suite.ts";
import { describePostgres, password, startPostgres } from "./peers/postgres.ts";

describePostgres("a store in PostgreSQL, on the command line", () => {
  it("is used as a file is; its password comes from a file and is never shown", { timeout: 120_000 }, async () => {
    await using server = await startPostgres();
    await using device = await startDeviceServer({ id: "till" });
    const folder = mkdtempSync(join(tmpdir(), "flashwave-postgres-cli-"));
    try {
      const [secret, wrong] = [join(folder, "secret"), join(folder, "wrong")];
      writeFileSync(secret, `${password}\n`);
      writeFileSync(wrong, "CANARY");
      const bare = new URL(server.url());
      bare.password = "";
      const store = (file: string) => ["--store", bare.href, "--store-password-file", file];
      const { path } = await writeFirmware(join(folder, "fw.bin"), { version: "2.0.0", length: 300_000 });
      const added = await call("device", "add", "till", "--address", device.url, "--group", "g", ...store(secret));
      expect(added).toMatchObject({ code: 0, out: "till  created\n" });
      const as2 = ["--firmware-version", "2.0.0", ...hasty, "--permit", "127.0.0.0/8", "--json"];
      const updated = await call("update", path, "--group", "g", ...as2, ...store(secret));
      expect([updated.code, jsonLines(updated)]).toMatchObject([0, [{ status: "updated" }]]);
      const shown = await call("device", "show", "till", "--json", ...store(secret));
      expect(jsonLines(shown)).toMatchObject([{ firmware: "2.0.0", reports: [{ kind: "delivery" }] }]);
      const other = [...store(secret), "--fleet", "other"];
      for (let again = 0; again < 2; again++) {
        const none = await call("device", "list", ...other);
        expect(none).toMatchObject({
          code: 2,
          out: "",
          err: expect.stringContaining('the database holds no fleet "other"'),
        });
      }
      await call("device", "add", "till", "--address", "http://10.0.0.9", ...other);
      expect((await call("device", "list", ...other)).out).toMatch(/^till {2}http:\/\/10\.0\.0\.9 .*\n$/);
      expect((await call("device", "list", ...store(secret))).out).toContain(device.url);
      const without = await call("device", "list", "--store", bare.href);
      expect(without).toMatchObject({ code: 3, err: expect.stringContaining("give --store-password-file") });
      const refused = await call("device", "list", ...store(wrong));
      expect([refused.code, refused.out]).toEqual([3, ""]);
      for (const { out, err } of [added, updated, shown, refused]) {
        expect(out + err).not.toMatch(/CANARY|p(?:@|%40)ss/);
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
