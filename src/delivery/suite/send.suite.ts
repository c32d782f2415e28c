import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { DeliverySuiteOptions } from "./rig.suite.ts";
import { pattern, Trial } from "./trial.suite.ts";

// Around nothing, the reference payload, undici's and TLS's high-water marks, one block, and the ring at work.
const sizes = [1, 22, 65_535, 65_536, 65_537, 262_144, 1_048_577, 10_485_760];

/** What a delivery does when nothing goes wrong. */
export function testSending(options: DeliverySuiteOptions): void {
  describe("sending", () => {
    it("promises what it was declared to promise", async () => {
      await using trial = await Trial.start(options);
      const { traits } = trial.bind();
      expect({ ...traits, refusals: [...traits.refusals].sort() }).toEqual({
        ...options.traits,
        refusals: [...options.traits.refusals].sort(),
      });
    });

    it("binds without I/O, any number of times", async () => {
      await using trial = await Trial.start(options);
      for (let times = 0; times < 3; times++) {
        trial.bind();
        trial.probe();
      }
      expect([trial.rig.requests(), trial.rig.connections()]).toEqual([0, 0]);
    });

    it.each(sizes)("brings %d bytes over whole, once, with their exact length", async (size) => {
      await using trial = await Trial.start(options);
      const artifact = await trial.open(size);
      const seen: number[] = [];
      const acknowledgement = await trial
        .bind()
        .send(artifact.payload, trial.step({ onSent: (sent) => seen.push(sent) }));
      expect(acknowledgement).toMatchObject({ bytes: size });
      expect(acknowledgement.status).toBeGreaterThanOrEqual(200);
      expect(acknowledgement.status).toBeLessThan(300);
      expect(trial.rig.received()).toEqual([
        expect.objectContaining({ length: size, digest: artifact.digest, complete: true }),
      ]);
      expect(trial.rig.received()[0]?.contentLength).toBeGreaterThanOrEqual(size);
      expect(trial.rig.received()[0]?.headers).not.toHaveProperty("transfer-encoding");
      expect(seen).toEqual(seen.toSorted((a, b) => a - b));
      expect(seen.at(-1)).toBe(size);
    });

    it("takes the caller's headers along", async () => {
      await using trial = await Trial.start(options);
      const artifact = await trial.open(22);
      await trial.bind().send(artifact.payload, trial.step({ headers: { "X-Site": "berlin-4" } }));
      expect(trial.rig.received()[0]?.headers).toMatchObject({ "x-site": "berlin-4" });
    });

    it("sends again in the same session, after a success and after a failure", async (test) => {
      const reason = options.cannot?.status;
      if (reason !== undefined) test.skip(reason);
      await using trial = await Trial.start(options);
      const artifact = await trial.open(70_000);
      const session = trial.bind();
      await session.send(artifact.payload, trial.step());
      trial.rig.fault("send", { kind: "status", status: 500 });
      await expect(session.send(artifact.payload, trial.step())).rejects.toMatchObject({ code: "device_error" });
      await session.send(artifact.payload, trial.step());
      expect(trial.rig.received().at(-1)).toMatchObject({ digest: artifact.digest, complete: true });
    });

    it("leaves nothing behind when a session is disposed, twice too", async () => {
      await using trial = await Trial.start(options);
      const artifact = await trial.open(70_000);
      const session = trial.bind();
      await session.send(artifact.payload, trial.step());
      await session.close?.();
      await session.close?.();
      await trial.settled();
      const another = trial.bind();
      await another.send(artifact.payload, trial.step());
      expect(trial.rig.received()).toHaveLength(2);
    });

    it("keeps eight sessions at once apart: every device gets its own bytes", async () => {
      await using trials = new AsyncDisposableStack();
      const started = await Promise.all(
        Array.from({ length: 8 }, async (_, index) =>
          trials.use(await Trial.start(options, { id: `device-${index}` })),
        ),
      );
      await Promise.all(
        started.map(async (trial, index) => {
          const artifact = await trial.open(300_000 + index);
          await trial.bind().send(artifact.payload, trial.step());
        }),
      );
      for (const [index, trial] of started.entries()) {
        const digest = createHash("sha256")
          .update(pattern(300_000 + index))
          .digest("hex");
        expect(trial.rig.received()).toEqual([expect.objectContaining({ digest, complete: true })]);
      }
    });

    it.each(["a\r\nx-evil: 1", "a\nx-evil: 1", "a\0b", "Küche 3\u202e", "%0d%0a"])(
      "lets no device called %j write headers",
      async (name) => {
        await using trial = await Trial.start(options, { id: name, name });
        const artifact = await trial.open(22);
        await trial.bind().send(artifact.payload, trial.step());
        const [reception, ...others] = trial.rig.received();
        expect(others).toEqual([]);
        expect(reception).toMatchObject({ digest: artifact.digest, complete: true });
        expect(Object.keys(reception?.headers ?? {})).not.toContain("x-evil");
        for (const value of Object.values(reception?.headers ?? {})) expect(value).toMatch(/^[\x20-\x7e]*$/);
      },
    );
  });
}
