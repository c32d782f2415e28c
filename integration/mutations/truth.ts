import type { Mutation } from "./types.ts";

/** What would make an outcome say what was not seen, or a device be flashed twice. */
export const truthMutations: readonly Mutation[] = [
  {
    name: "blind-retry",
    defect: "a lost POST is sent again without a read",
    edits: [
      {
        file: "src/push/retry-policy.ts",
        find: 'if (ambiguous.has(error.code) || brokeTls(error)) return { next: "read" };',
        replace: 'if (ambiguous.has(error.code) || brokeTls(error)) return { next: "retry" };',
      },
    ],
    test: {
      file: "src/push/push.test.ts",
      title: "reads before it repeats: twice the old version, a quiet period apart",
    },
  },
  {
    name: "lost-reply-is-failure",
    defect: "a lost reply counts as a failure, and a device that took the image is flashed again",
    edits: [
      {
        file: "src/push/readback.ts",
        find: 'if (arrived(reading, expected, wholly)) return { kind: "arrived", state };',
        replace: "",
      },
    ],
    test: { file: "src/push/push.test.ts", title: "does not repeat what a read shows to have arrived" },
  },
  {
    name: "retries-the-final",
    defect: "a wrong pin, a refusal and a changed artifact are tried again",
    edits: [
      {
        file: "src/push/retry-policy.ts",
        find: 'return { next: "give-up", read: readWorthwhile(error) };',
        replace: 'return { next: "retry" };',
      },
    ],
    test: { file: "src/push/retry-policy.test.ts", title: "wrong pin" },
  },
  {
    name: "no-jitter",
    defect: "every device that lost its connection comes back at the same moment",
    edits: [
      {
        file: "src/push/retry-policy.ts",
        find: "return (deferred ?? 0) + Math.floor(random() * ceiling);",
        replace: "return (deferred ?? 0) + ceiling;",
      },
    ],
    test: { file: "src/push/retry-policy.test.ts", title: "draws delays from below a doubling, capped ceiling" },
  },
  {
    name: "answer-too-many",
    defect: "what proves is read on the connection of the upload, on which an answer too many may wait",
    edits: [
      {
        file: "src/push/work.ts",
        find: "this.#shared.transport.release(this.origin, this.device.pins);",
        replace: "",
      },
    ],
    test: {
      file: "integration/faults/invariants.test.ts",
      title: "behind the acknowledgement, is not heard by what proves",
    },
  },
  {
    name: "answer-too-many-pinned",
    defect: "the same of a device with a pin of its own, whose connections are kept by it",
    edits: [
      {
        file: "src/push/work.ts",
        find: "this.#shared.transport.release(this.origin, this.device.pins);",
        replace: "this.#shared.transport.release(this.origin, undefined);",
      },
    ],
    test: {
      file: "integration/faults/invariants.test.ts",
      title: "behind the acknowledgement, is not heard by what proves",
    },
  },
  {
    name: "refusal-of-a-fetch-lost",
    defect: "a device that fetched everything and says that it will not have it passes for one that took it",
    edits: [
      {
        file: "src/delivery/shared/announce.ts",
        find: "if (!isFlashwaveError(error) || !isLost(error, publication)) throw error;",
        replace:
          "const { covered } = publication.progress();\n    if (!isFlashwaveError(error) || (!isLost(error, publication) && covered < payload.artifact.length)) throw error;",
      },
    ],
    test: { file: "integration/faults/adapters.test.ts", title: "what it answers while it fetches" },
  },
  {
    name: "redfish-sent-nothing",
    defect: "whatever goes wrong with a push to a controller, no byte is said to have left: it is sent again unread",
    edits: [
      {
        file: "src/delivery/redfish/session.ts",
        find: "throw advised(error, route);",
        replace: 'throw isFlashwaveError(error) ? inContext(error, { bytesOut: "none" }) : advised(error, route);',
      },
    ],
    test: { file: "integration/faults/adapters.test.ts", title: "as it is sent to, or given its order" },
  },
  {
    name: "fetched-part-forgotten",
    defect: "a device that fetched half of it is told to fetch again without a read",
    edits: [
      {
        file: "src/delivery/shared/announce.ts",
        find: 'if (covered === 0) return "none";',
        replace: 'if (covered >= 0) return "none";',
      },
    ],
    test: { file: "integration/faults/adapters.test.ts", title: "what it fetches" },
  },
  {
    name: "order-without-connection",
    defect:
      "the order to fetch was never given for want of a trusted certificate, and passes for one that may be followed",
    edits: [
      {
        file: "src/delivery/shared/announce.ts",
        find: 'error.phase === "connect" ? "connect" : "send"',
        replace: '"send" as const',
      },
    ],
    test: { file: "integration/faults/adapters.test.ts", title: "on the way to it" },
  },
  {
    name: "first-read-given-up",
    defect: "a device that refuses the first read is given up at once",
    edits: [
      {
        file: "src/push/work.ts",
        find: "if (isFinal(decision) || attempt >= retry.attempts) throw",
        replace: "if (isFinal(decision) || attempt >= 1) throw",
      },
    ],
    test: {
      file: "integration/faults/matrix.test.ts",
      suite: "integration/faults/way.ts",
      title: "every time, to the first read",
    },
  },
  {
    name: "source-fault-retried",
    defect: "an artifact whose file changed while it was sent is sent again",
    edits: [
      {
        file: "src/push/retry-policy.ts",
        find: '  "connect_failed",\n  "connect_timeout",\n  "upload_gone",',
        replace: '  "connect_failed",\n  "artifact_changed",\n  "connect_timeout",\n  "upload_gone",',
      },
    ],
    test: {
      file: "integration/faults/matrix.test.ts",
      suite: "integration/faults/sources.ts",
      title: "a byte in the middle changed meanwhile",
    },
  },
  {
    name: "old-version-accepted",
    defect: "the version from before the send passes for the new one",
    edits: [
      {
        file: "src/push/evidence.ts",
        find: 'const versionMatches = artifact.version === "" || expected.versions.equal(state.version, artifact.version);',
        replace:
          'const versionMatches =\n    artifact.version === "" || state.version === since?.before?.version || expected.versions.equal(state.version, artifact.version);',
      },
    ],
    test: { file: "src/push/evidence.test.ts", title: "the old version" },
  },
  {
    name: "no-new-boot",
    defect: "a version that is reported without a restart is evidence",
    edits: [
      { file: "src/push/evidence.ts", find: 'if (boot === "unchanged") return { kind: "no-boot" };', replace: "" },
    ],
    test: { file: "src/push/evidence.test.ts", title: "no boot since" },
  },
  {
    name: "one-read-is-enough",
    defect: "the first good read is proof: a rollback that follows is not seen",
    edits: [
      {
        file: "src/push/evidence.ts",
        find: 'now - row.since >= expected.stableFor ? "proven" : "hold"',
        replace: '"proven"',
      },
    ],
    test: { file: "src/push/evidence.test.ts", title: "is proven once good reads span the stable time" },
  },
  {
    name: "any-device-answers",
    defect: "a device that calls itself by another id is verified",
    edits: [
      {
        file: "src/push/evidence.ts",
        find: 'if (state.deviceId !== undefined && state.deviceId !== expected.device) return { kind: "wrong-device" };',
        replace: "",
      },
    ],
    test: { file: "src/push/evidence.test.ts", title: "another device's id" },
  },
  {
    name: "any-digest",
    defect: "the right version with another digest is verified",
    edits: [
      {
        file: "src/push/evidence.ts",
        find: 'return since?.before?.digest === state.digest ? { kind: "old" } : { kind: "wrong-digest" };',
        replace: 'return { kind: "match", proved: "version", boot: "seen" };',
      },
    ],
    test: { file: "src/push/evidence.test.ts", title: "the right version, another digest" },
  },
  {
    name: "registry-believes-the-send",
    defect: "the registry records what was sent, not what was read",
    edits: [
      {
        file: "src/push/witness.ts",
        find: "firmware: read.version }",
        replace: "firmware: outcome.artifact.version }",
      },
    ],
    test: { file: "integration/registry.test.ts", title: "that fail leave what was seen of them, and no evidence" },
  },
  {
    name: "two-at-once",
    defect: "two attempts on one device overlap",
    edits: [{ file: "src/push/client.ts", find: "if (this.#underWay.has(device)) {", replace: "if (false) {" }],
    test: {
      file: "src/push/push.test.ts",
      title: "allows one attempt per device at a time, and as many devices as the limit",
    },
  },
  {
    name: "foreign-token",
    defect: "a resume token of another artifact is gone on with",
    edits: [
      {
        file: "src/push/shapes.ts",
        find: "device: id, origin, delivery, digest, length }",
        replace: "device: id, origin, delivery, length }",
      },
    ],
    test: { file: "src/push/resume.test.ts", title: "is refused before any I/O when it is" },
  },
  {
    name: "retraction-untold",
    defect: "a device that went back to its old image is still called updated",
    edits: [
      {
        file: "src/push/witness.ts",
        find: 'emit?.({ type: "retracted", device: id, evidence, state });',
        replace: "",
      },
    ],
    test: { file: "src/push/retraction.test.ts", title: "is taken back by an inspect that finds the old version" },
  },
  {
    name: "held-evidence-kept",
    defect: "an update that fails leaves evidence of a version that the device was seen to run no more",
    edits: [
      {
        file: "src/push/witness.ts",
        find: "if (held === undefined || this.#tookBack || !this.#contradicts(read, held)) return seen;",
        replace: "if (held !== undefined || seen) return seen;",
      },
    ],
    test: { file: "src/push/retraction.test.ts", title: "is taken back by an update that leaves another version and" },
  },
  {
    name: "record-lost-untold",
    defect: "a record that could not be written ends a command like one that was",
    edits: [{ file: "src/cli/desk.ts", find: "this.#unkept++;", replace: "" }],
    test: { file: "src/cli/records.test.ts", title: "a record that cannot be written when it is due" },
  },
  {
    name: "record-claims-bytes",
    defect: "a record says of bytes that the device never acknowledged that it has them",
    edits: [
      {
        file: "src/push/record/record.ts",
        find: 'if (acknowledgedBy === "readback" || bytes !== artifact.length) return undefined;',
        replace: "",
      },
    ],
    test: { file: "src/push/record/record.test.ts", title: "claims no bytes that the device did not acknowledge" },
  },
  {
    name: "record-without-whom",
    defect: "a record does not say which certificate answered",
    edits: [{ file: "src/push/record/trail.ts", find: "this.#note(reply.certificate);", replace: "" }],
    test: { file: "integration/record.test.ts", title: "the evidence and the record say so" },
  },
  {
    name: "row-unchecked",
    defect: "what a registry answers is taken for the device that was asked for",
    edits: [{ file: "src/push/subject.ts", find: "if (device.id !== id) throw", replace: "if (false) throw" }],
    test: { file: "src/push/update.test.ts", title: "a row of another device" },
  },
  {
    name: "budget-not-charged",
    defect: "a site's retry budget is never spent",
    edits: [{ file: "src/push/site/retry-budget.ts", find: "this.#tokens -= cost;", replace: "" }],
    test: {
      file: "src/push/site/retry-budget.test.ts",
      title: "pays for a hundred faults or fifty timeouts, and for none after that",
    },
  },
  {
    name: "breaker-never-opens",
    defect: "a site that cannot be reached is tried for ever, by all its devices",
    edits: [
      {
        file: "src/push/site/circuit-breaker.ts",
        find: 'if (reach === "reached" || this.#count < looked || ones(this.#results) < tooMany) return;',
        replace: "if (now >= 0) return;",
      },
    ],
    test: {
      file: "src/push/site/circuit-breaker.test.ts",
      title: "opens again when the ramp breaks, and counts the outage from there",
    },
  },
  {
    name: "herd-returns-at-once",
    defect: "a site that is back gets all its devices at the same moment",
    edits: [
      {
        file: "src/push/site/circuit-breaker.ts",
        find: "if (this.#limit < this.#options.cap) return;",
        replace: "",
      },
    ],
    test: {
      file: "src/push/site/circuit-breaker.test.ts",
      title: "ramps up by one for every contact, and is closed at the cap, with nothing held against the site",
    },
  },
];
