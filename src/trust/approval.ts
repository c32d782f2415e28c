import {
  type DocumentKind,
  digest,
  listOf,
  literal,
  optional,
  readDocument,
  text,
  time,
  writeDocument,
} from "./document.ts";

/** Somebody's leave to bring certain devices back to an older artifact. Signed like a manifest, by keys of its own. */
export interface Approval {
  readonly schema: "flashwave.downgrade-approval/1";
  /** SHA-256 of the manifest's document: of this one release, 64 lower-case hexadecimal digits. */
  readonly manifest: string;
  /** Ids of the devices. */
  readonly devices: readonly string[];
  /** `2027-01-31T00:00:00Z`: it approves nothing from then on. */
  readonly expires: string;
  /** For people. */
  readonly reason?: string;
}

export const approvalSchema = "flashwave.downgrade-approval/1";

const kind: DocumentKind<Approval> = {
  what: "approval",
  code: "invalid_approval",
  shape: {
    schema: literal(approvalSchema),
    manifest: digest,
    devices: listOf("device ids", 4_096),
    expires: time,
    reason: optional(text),
  },
};

/** Reads an approval, as strictly as a manifest. @throws `invalid_approval` */
export const parseApproval = (document: Uint8Array): Approval => readDocument(kind, document);

/** The document to sign. @throws `invalid_approval`, also when it grows beyond 64 KiB: approve fewer devices at a time */
export const writeApproval = (approval: Omit<Approval, "schema">): Uint8Array =>
  writeDocument(kind, { ...approval, schema: approvalSchema });
