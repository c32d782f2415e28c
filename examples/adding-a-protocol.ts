// A whole delivery in one file: shelf labels that take firmware by PUT at a path that names its version, and answer it
// in plain text. Run: node examples/adding-a-protocol.ts <firmware> <version> <address>
import {
  createClient,
  type Delivery,
  type ExchangeReply,
  FlashwaveError,
  type Identity,
  openArtifact,
  type Phase,
  type Step,
} from "../src/index.ts";

/** What an answer means that is no yes. `bytesOut` is what the retry decisions rest on. */
function requireYes(reply: ExchangeReply, phase: Phase, device: string): void {
  const { status, sent } = reply;
  if (status >= 200 && status < 300 && sent === "all") return;
  const busy = status === 408 || status === 429 || status === 503;
  const code =
    status < 300
      ? "early_reply"
      : status < 400
        ? "redirected"
        : busy
          ? "device_busy"
          : status < 500
            ? "refused"
            : "device_error";
  const seconds = Number(reply.headers.get("retry-after") ?? Number.NaN);
  throw new FlashwaveError(code, `The label answered ${status}. Look at the label.`, {
    phase,
    device,
    retryable: code !== "refused" && code !== "redirected",
    bytesOut: sent === "all" ? "all" : "some",
    reply: { status, ...(Number.isSafeInteger(seconds) && { retryAfter: Math.min(seconds, 600) * 1_000 }) },
  });
}

export const shelf: Delivery = {
  kind: "shelf",
  bind(device, { transport, origin }) {
    return {
      traits: {
        resumable: false,
        repeat: "idempotent",
        refusals: new Set([401, 403, 404]),
        verdict: "readback",
        activates: "itself",
      },
      async send(payload, { deadline, signal, pace, onSent, headers = {} }) {
        const { length, version } = payload.artifact;
        const own = Object.entries(headers).flatMap(([name, value]) => [name.toLowerCase(), value]);
        return transport.exchange(
          origin,
          {
            method: "PUT",
            path: `/firmware/${encodeURIComponent(version)}`,
            headers: ["content-type", "application/octet-stream", ...own],
            body: payload.slice(0, length),
            ...{ phase: "send", deadline, signal, pace, onSent, pins: device.pins },
          },
          (reply) => {
            requireYes(reply, "send", device.id);
            return { status: reply.status, bytes: length };
          },
        );
      },
    };
  },
  prober: {
    kind: "shelf",
    bind: (device, { transport, origin, clock }) => ({
      proves: "version",
      inspect: ({ deadline, signal }: Step) =>
        transport.exchange(
          origin,
          { method: "GET", path: "/firmware", phase: "inspect", deadline, signal, pins: device.pins },
          (reply) => {
            requireYes(reply, "inspect", device.id);
            // What a device says is bounded and checked before it is believed.
            const version = Buffer.from(reply.body).toString("utf8");
            if (!/^\d{1,5}(\.\d{1,5}){2}$/.test(version)) {
              throw new FlashwaveError("unreadable_state", "The label's answer is no version. Look at the label.", {
                phase: "inspect",
                device: device.id,
                retryable: true,
              });
            }
            const identity: Identity = reply.peer === "none" ? "address" : reply.peer;
            return { version, identity, readAt: clock.wall() };
          },
        ),
    }),
  },
};

if (import.meta.main) {
  const [file = "", version = "", address = ""] = process.argv.slice(2);
  await using client = createClient({
    deliveries: [shelf],
    addressPolicy: { permit: ["127.0.0.0/8"] },
    verification: { deadline: 60_000, stableFor: 1_000 },
  });
  await using artifact = await openArtifact(file, { version });
  const outcome = await client.update({ id: "label-1", address }, artifact);
  console.log(outcome.status === "updated" ? `updated to ${outcome.evidence.version}` : outcome.status);
}
