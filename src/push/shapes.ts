import { type Artifact, isSignedDocument } from "../core/artifact.ts";
import type { ResumeToken } from "../core/delivery.ts";
import { FlashwaveError } from "../core/errors.ts";
import type { Receipt } from "../core/outcome.ts";
import { invalidOption, type PushManyOptions, type PushOptions, type UpdateOptions } from "./options.ts";
import type { VerificationOptions } from "./verification.ts";

type Kind = "object" | "list" | "function" | "anything";
/** A list names the methods that an object must have. */
interface Shape {
  readonly [field: string]: Kind | readonly string[] | Shape;
}

/** What a client calls of a registry. Another's may have more, so its names are not checked. */
const registry = { devices: ["getMany", "observe"], profiles: ["resolveMany"] } as const;

/** What a client's options may hold. Ranges are checked where an option is resolved. */
const clientOptions: Shape = {
  deliveries: "list",
  probers: "list",
  registry: "object",
  credentials: "function",
  admission: {
    keys: "list",
    threshold: "anything",
    minisign: "list",
    minimumSequence: "anything",
    downgrades: "anything",
    approvals: { keys: "list", threshold: "anything" },
    unreportedHardware: "anything",
  },
  versions: ["compare", "equal", "sortKey"],
  addressPolicy: { permit: "anything", only: "anything", deny: "anything" },
  tls: { ca: "anything", cert: "anything", key: "anything", minVersion: "anything", pins: "list" },
  lookup: "function",
  timeouts: { connect: "anything", stall: "anything", response: "anything", minimumRate: "anything" },
  retry: { attempts: "anything", base: "anything", cap: "anything", busyBase: "anything", quietPeriod: "anything" },
  limits: {
    inFlight: "anything",
    inFlightPerSite: "anything",
    connections: "anything",
    bytesPerSecond: "anything",
    responseBytes: "anything",
  },
  verification: { deadline: "anything", stableFor: "anything", newBoot: "anything" },
  onEvent: "function",
  clock: ["now", "wall", "sleep", "every"],
  random: "function",
};

/**
 * Refuses options of the wrong kind, and options that nobody knows: a misspelt `addressPolicy.only` must not pass for
 * none.
 * @throws `invalid_option`
 */
export function checkClientOptions(options: unknown): void {
  checkShape("options", "", options, clientOptions);
  const given = (options as { readonly registry?: Readonly<Record<string, unknown>> }).registry;
  if (given === undefined) return;
  checkMethods("registry.devices", given["devices"], registry.devices);
  if (given["profiles"] !== undefined) checkMethods("registry.profiles", given["profiles"], registry.profiles);
}

function checkShape(name: string, prefix: string, value: unknown, shape: Shape): void {
  if (!isObject(value)) throw invalidOption(name, "an object", value);
  for (const [field, given] of Object.entries(value)) {
    const wanted = Object.hasOwn(shape, field) ? shape[field] : undefined;
    const full = prefix + field;
    if (wanted === undefined) throw unknownOption(full, Object.keys(shape));
    if (given === undefined || wanted === "anything") continue;
    if (isList(wanted)) checkMethods(full, given, wanted);
    else if (typeof wanted === "object") checkShape(full, `${full}.`, given, wanted);
    else checkKind(full, wanted, given);
  }
}

const isList = (wanted: Shape[string]): wanted is readonly string[] => Array.isArray(wanted);

function checkMethods(name: string, given: unknown, methods: readonly string[]): void {
  const has = (method: string) => typeof (Object(given) as Record<string, unknown>)[method] === "function";
  if (!isObject(given) || !methods.every(has)) throw invalidOption(name, `an object with ${methods.join(", ")}`, given);
}

function checkKind(name: string, kind: Exclude<Kind, "anything">, given: unknown): void {
  if (kind === "list" && !Array.isArray(given)) throw invalidOption(name, "a list", given);
  if (kind === "object" && !isObject(given)) throw invalidOption(name, "an object", given);
  if (kind === "function" && typeof given !== "function") throw invalidOption(name, "a function", given);
}

/** @throws `invalid_option` */
export function checkArtifact(artifact: unknown): asserts artifact is Artifact {
  const { payload, ref } = Object(artifact) as Partial<Artifact>;
  if (typeof payload?.slice === "function" && typeof ref?.digest === "string") return;
  throw invalidOption("artifact", "what openArtifact opened", artifact);
}

/** @throws `invalid_option` */
export function checkSignal(signal: unknown): asserts signal is AbortSignal | undefined {
  // By what is used of it: a signal may come from another realm.
  if (signal === undefined || typeof (Object(signal) as Partial<AbortSignal>).addEventListener === "function") return;
  throw invalidOption("signal", "an AbortSignal", signal);
}

const push: readonly (keyof PushOptions)[] = [
  "signal",
  "headers",
  "onProgress",
  "bytesPerSecond",
  "activate",
  "approvals",
  "resume",
  "onResumable",
];
const verification: readonly (keyof VerificationOptions)[] = ["deadline", "stableFor", "newBoot"];
const update: readonly (keyof UpdateOptions)[] = [...push, "force", "verification"];
const many: readonly (keyof PushManyOptions)[] = [...update, "concurrency", "verify", "profile"];

/** The options that each call takes. */
const calls: Readonly<Record<Call, ReadonlySet<string>>> = {
  push: new Set(push),
  inspect: new Set(["signal"]),
  discard: new Set(["signal"]),
  verify: new Set([...verification, "signal", "since", "earlier"]),
  update: new Set(update),
  pushMany: new Set(many),
  verification: new Set(verification),
};

type Call = "push" | "inspect" | "discard" | "verify" | "update" | "pushMany" | "verification";

/** Those of the options that a call takes, for a call made on behalf of another. */
export function optionsFor(call: Call, options: object): object {
  return Object.fromEntries(Object.entries(options).filter(([name]) => calls[call].has(name)));
}

/** @throws `invalid_option` for a name that the call does not know: a misspelt `signal` must not pass for none */
function checkNames(options: object, call: Call): void {
  for (const name in options) if (!calls[call].has(name)) throw unknownOption(name, [...calls[call]]);
}

/**
 * The options of one call that would otherwise fail in the middle of it, or do nothing.
 * @throws `invalid_option`
 */
export function checkCall(
  call: Call,
  options: {
    readonly signal?: unknown;
    readonly headers?: unknown;
    readonly onProgress?: unknown;
    readonly activate?: unknown;
    readonly force?: unknown;
    readonly approvals?: unknown;
    readonly onResumable?: unknown;
    readonly verification?: unknown;
  },
): void {
  if (!isObject(options)) throw invalidOption("options", "an object", options);
  checkNames(options, call);
  const { signal, headers, onProgress, activate, force, onResumable } = options;
  checkSignal(signal);
  if (headers !== undefined && !isObject(headers))
    throw invalidOption("headers", "an object of names and texts", headers);
  if (onProgress !== undefined) checkKind("onProgress", "function", onProgress);
  if (onResumable !== undefined) checkKind("onResumable", "function", onResumable);
  if (activate !== undefined && typeof activate !== "boolean")
    throw invalidOption("activate", "true or false", activate);
  if (force !== undefined && typeof force !== "boolean") throw invalidOption("force", "true or false", force);
  const { approvals } = options;
  if (approvals !== undefined && !(Array.isArray(approvals) && approvals.every(isSignedDocument)))
    throw invalidOption("approvals", "a list of { document, signatures } of bytes", approvals);
  if (options.verification === undefined) return;
  if (!isObject(options.verification)) throw invalidOption("verification", "an object", options.verification);
  checkNames(options.verification, "verification");
}

function unknownOption(name: string, known: readonly string[]): FlashwaveError {
  return new FlashwaveError(
    "invalid_option",
    `There is no option ${JSON.stringify(name)}; there are ${known.join(", ")}.`,
    {
      phase: "prepare",
    },
  );
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A receipt may have been stored as JSON, and come back as anything. */
export function isReceiptOf(since: Partial<Receipt> | null, device: string, { digest }: Artifact): boolean {
  if (since?.device !== device || since.artifact?.digest !== digest) return false;
  return Number.isFinite(since.startedAt) && (since.before === undefined || typeof since.before === "object");
}

/**
 * A token may have been stored, and come back as anything: it must be this artifact's, for this device at this address
 * through this delivery.
 * @throws `invalid_option`
 */
export function checkToken(
  resume: unknown,
  { id, origin, delivery }: { readonly id: string; readonly origin: string; readonly delivery: string },
  { digest, length }: Artifact,
): void {
  if (resume === undefined) return;
  const token: Partial<Record<keyof ResumeToken, unknown>> = Object(resume);
  const ours: typeof token = { device: id, origin, delivery, digest, length };
  const foreign = Object.entries(ours).find(([name, value]) => token[name as keyof ResumeToken] !== value);
  if (foreign !== undefined) {
    const [name] = foreign;
    throw invalidOption("resume", `a token of this push: its ${name} is another, so start without it`, resume);
  }
  const { offset, state } = token;
  const whole = Number.isSafeInteger(offset) && (offset as number) >= 0 && (offset as number) <= length;
  if (!whole) throw invalidOption("resume.offset", "a number of bytes within the artifact", offset);
  if (!isObject(state) || Object.values(state).some((text) => typeof text !== "string"))
    throw invalidOption("resume.state", "an object of texts, as onResumable was told it", state);
}
