import { readSignedDocument } from "../bytes/index.ts";
import type { SignedDocument } from "../core/index.ts";
import type { AdmissionOptions } from "../push/index.ts";
import { parseManifest } from "../trust/index.ts";
import { type Nature, readStart, requireNature } from "./artifact/documents.ts";
import { readText } from "./files.ts";
import type { Flags } from "./flags.ts";
import { UsageError } from "./usage-error.ts";
import { countOf } from "./values.ts";

/* What `--trusted-key` and its companions say: whom to believe, and what was signed. */

type TrustFlags = Pick<
  Flags,
  "trustedKey" | "threshold" | "manifest" | "minisign" | "approval" | "approvalKey" | "firmwareVersion"
>;

/** The policy of a command; none where no key is trusted, and then nothing may be given that only a policy looks at. */
export async function readAdmission(flags: TrustFlags): Promise<{ readonly admission?: AdmissionOptions }> {
  const { trustedKey = [], threshold, manifest, minisign, approval = [], approvalKey = [] } = flags;
  if (trustedKey.length === 0) {
    const idle = { manifest, minisign, threshold, approval: approval[0], "approval-key": approvalKey[0] };
    const named = Object.entries(idle).find(([, value]) => value !== undefined);
    if (named === undefined) return {};
    throw new UsageError(
      `--${named[0]} is looked at only with --trusted-key: say whose signatures are to be believed.`,
    );
  }
  if (manifest !== undefined && minisign !== undefined)
    throw new UsageError("--manifest and --minisign exclude each other.");
  if (manifest === undefined && minisign === undefined)
    throw new UsageError("With --trusted-key, give --manifest or --minisign: nothing unsigned is sent.");
  const texts = await Promise.all(trustedKey.map((path) => readKey("--trusted-key", path, "a minisign public key")));
  const isPem = (text: string) => text.includes("-----BEGIN ");
  const keys = texts.filter(isPem);
  // Of two forms of signatures each is checked by keys of its own form.
  if (minisign !== undefined && keys.length === texts.length)
    throw new UsageError(
      "--minisign is checked by minisign's public keys; flashwave artifact inspect shows a key in that form.",
    );
  if (manifest !== undefined && keys.length === 0)
    throw new UsageError("--manifest is checked by public keys in PEM; those of --trusted-key are minisign's.");
  const needed = threshold === undefined ? undefined : countOf("--threshold", threshold);
  return {
    admission: {
      keys,
      minisign: texts.filter((text) => !isPem(text)),
      ...(needed !== undefined && { threshold: needed }),
      approvals: { keys: await Promise.all(approvalKey.map((path) => readKey("--approval-key", path))) },
    },
  };
}

async function readKey(flag: string, path: string, ...more: readonly Nature[]): Promise<string> {
  const text = await readText(flag, path);
  requireNature(path, Buffer.from(text), "a public key", ...more);
  return text;
}

/** What was signed, and the approvals. */
export async function readVouchers({ manifest, minisign, approval = [] }: TrustFlags): Promise<{
  readonly manifest?: string;
  readonly minisign?: string;
  readonly approvals: readonly SignedDocument[];
}> {
  return {
    ...(manifest !== undefined && { manifest }),
    ...(minisign !== undefined && { minisign }),
    approvals: await Promise.all(approval.map((path) => readSignedDocument(path))),
  };
}

/** A file of another kind was named by mistake. One that is damaged is for admission to refuse. */
async function requireVouchers({ manifest, minisign, approval = [] }: TrustFlags): Promise<void> {
  if (manifest !== undefined) requireNature(manifest, await readStart(manifest), "a manifest");
  if (minisign !== undefined) requireNature(minisign, await readStart(minisign), "a minisign signature");
  for (const path of approval) requireNature(path, await readStart(path), "an approval");
}

/**
 * A manifest says which version it is: nobody need type it again. Admission still holds the one against the other.
 * @throws `UsageError` for files that are not what they were given as
 */
export async function withManifestVersion<Given extends TrustFlags>(flags: Given): Promise<Given> {
  await requireVouchers(flags);
  if (flags.manifest === undefined || flags.firmwareVersion !== undefined) return flags;
  const { document } = await readSignedDocument(flags.manifest);
  return { ...flags, firmwareVersion: parseManifest(document).version };
}
