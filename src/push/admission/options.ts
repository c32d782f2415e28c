import type { MinisignKey, TrustedKey } from "../../trust/index.ts";
import { minisignKeys, trustedKeys } from "../../trust/index.ts";
import { count, invalidOption } from "../options.ts";

/**
 * What an artifact must show before the first byte of it leaves. Plain data. At least one of `keys` and `minisign` has an
 * entry: without a signature nothing else that an artifact says can be believed.
 */
export interface AdmissionOptions {
  /** Ed25519 public keys (SPKI, PEM) that may sign manifests. An artifact must then have a manifest. */
  readonly keys?: readonly string[];
  /** How many different ones of `keys` must have signed. Default 1. */
  readonly threshold?: number;
  /**
   * minisign public keys whose signature of the plain file is enough. Default: none. Such a signature says nothing of
   * version, age or hardware, so what the artifact was opened with is taken for it. An artifact with a manifest is judged
   * by that alone.
   */
  readonly minisign?: readonly string[];
  /** Manifests with a lower sequence are refused, unless an approval covers them. Default 0. */
  readonly minimumSequence?: number;
  /** `approved` (default): a device is given an older version than it runs only with an approval. `permitted`: at any time. */
  readonly downgrades?: "approved" | "permitted";
  /** Whose approvals count, and how many different keys must have signed one (default 1). Default: nobody's. */
  readonly approvals?: { readonly keys: readonly string[]; readonly threshold?: number };
  /** Where the artifact is for certain hardware, and the device does not tell what it is. Default `refuse`. */
  readonly unreportedHardware?: "refuse" | "admit";
}

/** Keys and how many of them it takes. */
export interface Quorum {
  readonly keys: readonly TrustedKey[];
  readonly threshold: number;
}

export interface AdmissionPolicy {
  readonly manifests: Quorum;
  readonly minisign: readonly MinisignKey[];
  readonly approvals: Quorum;
  readonly minimumSequence: number;
  readonly downgrades: "approved" | "permitted";
  readonly unreportedHardware: "refuse" | "admit";
}

/** @throws `invalid_option` */
export function resolveAdmission(options: AdmissionOptions): AdmissionPolicy {
  const manifests = quorumOf("admission", options.keys ?? [], options.threshold);
  const minisign = minisignKeys("admission.minisign", options.minisign ?? []);
  if (manifests.keys.length + minisign.length === 0)
    throw invalidOption("admission", "an object with at least one key in keys or minisign", options);
  const { keys = [], threshold } = options.approvals ?? {};
  return Object.freeze({
    manifests,
    minisign,
    approvals: quorumOf("admission.approvals", keys, threshold),
    minimumSequence: count("admission.minimumSequence", options.minimumSequence, 0, 0, Number.MAX_SAFE_INTEGER),
    downgrades: oneOf("admission.downgrades", options.downgrades, ["approved", "permitted"]),
    unreportedHardware: oneOf("admission.unreportedHardware", options.unreportedHardware, ["refuse", "admit"]),
  });
}

/** A threshold that no set of the keys could reach would refuse everything: that is never meant. */
function quorumOf(name: string, pems: readonly string[], threshold: number | undefined): Quorum {
  const keys = trustedKeys(`${name}.keys`, pems);
  return Object.freeze({ keys, threshold: count(`${name}.threshold`, threshold, 1, 1, Math.max(1, keys.length)) });
}

/** The first is the default. */
function oneOf<const T extends string>(name: string, value: T | undefined, [usual, other]: readonly [T, T]): T {
  if (value === undefined) return usual;
  if (value === usual || value === other) return value;
  throw invalidOption(name, `"${usual}" or "${other}"`, value);
}
