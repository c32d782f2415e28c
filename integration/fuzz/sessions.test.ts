import fc from "fast-check";
import { describe, expect } from "vitest";
import { Secret } from "../../src/core/credentials.ts";
import type { Delivery, DeliveryContext, SendStep } from "../../src/core/delivery.ts";
import type { FlashwaveErrorCode } from "../../src/core/errors.ts";
import type { Receipt } from "../../src/core/outcome.ts";
import { http } from "../../src/delivery/http/index.ts";
import { redfish } from "../../src/delivery/redfish/index.ts";
import { isPrintable } from "../../src/delivery/shared/text.ts";
import { swupdate } from "../../src/delivery/swupdate/index.ts";
import { tus } from "../../src/delivery/tus/index.ts";
import { esphome, tasmota, webUpload } from "../../src/delivery/web-upload/index.ts";
import { openArtifact } from "../../src/index.ts";
import { bent } from "./bent.ts";
import { fuzzLaterTest, judgeLater } from "./kit.ts";
import { hastyClock, Liar, type Saying } from "./liar.ts";
import { documents } from "./recorded.ts";

const origin = "http://10.0.0.12";
const artifact = await openArtifact(Buffer.alloc(300_000, 7), { version: "2.4.0", name: "fw.bin" });

const status = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(200, 201, 202, 204) },
  {
    weight: 3,
    arbitrary: fc.constantFrom(301, 400, 401, 404, 405, 408, 409, 410, 412, 413, 423, 429, 460, 500, 501, 503),
  },
  { weight: 1, arbitrary: fc.integer({ min: 100, max: 999 }) },
);
const header = fc.constantFrom(
  ...[
    ["tus-version", "1.0.0"],
    ["tus-extension", "creation,creation-with-upload,checksum,termination"],
    ["tus-max-size", "99"],
  ],
  ...[
    ["location", "/files/1"],
    ["location", "http://169.254.169.254/"],
    ["location", "//x"],
    ["location", "/a/../b"],
    ["location", ""],
  ],
  ...[
    ["upload-offset", "0"],
    ["upload-offset", "300000"],
    ["upload-offset", "262144"],
    ["upload-offset", "1e9"],
    ["upload-length", "300000"],
  ],
  ...[
    ["retry-after", "999999999"],
    ["content-length", "5"],
    ["x-auth-token", "t0ken"],
    ["x-auth-token", "a b\x01"],
  ],
  ...[
    ["www-authenticate", 'Digest realm="r", nonce="n", qop="auth"'],
    ["www-authenticate", "Basic realm=r"],
    ["www-authenticate", '"""'],
  ],
);
const answer = fc.record({
  status,
  headers: fc.array(header, { maxLength: 4 }).map((pairs) => pairs.flat()),
  body: bent(documents),
  whole: fc.boolean(),
});
const fault = fc.constantFrom<FlashwaveErrorCode>(
  "connection_lost",
  "response_timeout",
  "connect_failed",
  "malformed_reply",
  "reply_too_large",
);
const saying: fc.Arbitrary<Saying> = fc.oneof(
  { weight: 9, arbitrary: answer },
  { weight: 1, arbitrary: fault.map((code) => ({ fault: code })) },
);
const messages = fc.array(
  bent([...documents.slice(-2), '{"type":"status","status":"START"}', '{"type":"status","status":"FAILURE"}']).map(
    String,
  ),
  { maxLength: 4 },
);

const kinds: readonly Delivery[] = [
  http(),
  http({ send: { method: "PUT", path: "/fw" }, options: { resume: "content-range", part: 65_536 } }),
  tus(),
  tus({ options: { chunkBytes: 262_144 } }),
  swupdate(),
  redfish(),
  redfish({ options: { push: "multipart", auth: "session" } }),
  webUpload({ options: { errorCode: "/error/code", before: "GET /up" } }),
  esphome(),
  tasmota(),
];

const password = "s3cret-canary";
const credentials = async () => ({ username: "admin", password: new Secret(password) });

/** One device that says all this, spoken to by this adapter. */
const talk = fc.record({
  kind: fc.constantFrom(...kinds),
  sayings: fc.array(saying, { minLength: 1, maxLength: 8 }),
  messages,
  known: fc.boolean(),
});

function stage({
  sayings,
  messages,
  known,
}: {
  readonly sayings: readonly Saying[];
  readonly messages: readonly string[];
  readonly known: boolean;
}) {
  const clock = hastyClock();
  const transport = new Liar(origin, sayings, messages, clock);
  const device = { id: "pos-001", address: origin };
  const context: DeliveryContext = { transport, origin, clock, ...(known && { credentials }) };
  const step: SendStep = { deadline: 60_000, pushId: "p-1", attemptId: "p-1-1", onResumable: async () => undefined };
  return { device, context, step };
}

describe("whatever a device answers", () => {
  fuzzLaterTest("a send is acknowledged whole, or fails with a code", 10_000, talk, async ({ kind, ...rest }) => {
    const { device, context, step } = stage(rest);
    const session = kind.bind(device, context);
    const verdict = await judgeLater(async () => {
      const reply = await session.send(artifact.payload, step);
      expect(reply.bytes).toBe(artifact.length);
      const receipt = { ...reply, device: device.id, origin, artifact: artifact.ref } as unknown as Receipt;
      expect(["installed", "staged", "lost", undefined]).toContain(
        await session.settle?.(receipt, { deadline: 60_000 }),
      );
      await session.activate?.(receipt, { deadline: 120_000 });
      await session.commit?.(receipt, { deadline: 120_000 });
      return reply;
    });
    await judgeLater(async () => session.close?.());
    return verdict;
  });

  fuzzLaterTest("a read is a state of short texts, or fails with a code", 20_000, talk, async ({ kind, ...rest }) => {
    const { device, context, step } = stage(rest);
    return judgeLater(async () => {
      const probe = kind.prober?.bind(device, context);
      const state = await probe?.inspect(step);
      for (const value of Object.values(state ?? {})) {
        if (typeof value === "string") expect(isPrintable(value)).toBe(true);
        else expect(Number.isFinite(value)).toBe(true);
      }
      await probe?.health?.(step);
      return state;
    });
  });
});
