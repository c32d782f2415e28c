import { describe, expect, it } from "vitest";
import { openArtifact } from "../../bytes/index.ts";
import { formOf } from "./form.ts";

const step = { deadline: 1, pushId: "p", attemptId: "a" };

describe("the form", () => {
  it.each([
    ["fw.swu", "fw.swu"],
    // SWUpdate keeps at most 512 bytes of it.
    ["a".repeat(256), "a".repeat(128)],
  ])("names its file, and no longer than is kept", async (name, filename) => {
    await using artifact = await openArtifact(Buffer.from("image"), { name, version: "2" });
    const [head] = formOf(artifact.payload, [], step, async () => undefined).body;
    expect(Buffer.from(head as Uint8Array).toString("latin1")).toContain(`filename="${filename}"`);
  });
});
