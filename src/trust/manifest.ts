import {
  type DocumentKind,
  digest,
  listOf,
  literal,
  optional,
  readDocument,
  text,
  time,
  wholeFrom,
  writeDocument,
} from "./document.ts";

/** What whoever releases an artifact says of it. The signatures are over the bytes of the document as it is written. */
export interface Manifest {
  readonly schema: "flashwave.manifest/1";
  /** The artifact's, for people: a file may be renamed. */
  readonly name: string;
  /** What a device reports once it runs the artifact. */
  readonly version: string;
  /** Rises with every release that is signed, whatever its version: what an older manifest is told by. */
  readonly sequence: number;
  /** Bytes. */
  readonly length: number;
  /** Of all bytes, 64 lower-case hexadecimal digits. */
  readonly sha256: string;
  /** Hardware ids it is meant for. Absent: for any. */
  readonly hardware?: readonly string[];
  /** The oldest version that it may replace. Absent: any. */
  readonly minimumVersion?: string;
  /** `2027-01-31T00:00:00Z`: nothing is admitted by it from then on. */
  readonly expires: string;
}

export const manifestSchema = "flashwave.manifest/1";

const kind: DocumentKind<Manifest> = {
  what: "manifest",
  code: "invalid_manifest",
  shape: {
    schema: literal(manifestSchema),
    name: text,
    version: text,
    sequence: wholeFrom(0),
    length: wholeFrom(1),
    sha256: digest,
    hardware: optional(listOf("hardware ids", 64)),
    minimumVersion: optional(text),
    expires: time,
  },
};

/**
 * Reads a manifest, strictly: at most 64 KiB of JSON, no field unknown or twice. It says nothing of who signed it.
 * @throws `invalid_manifest`
 */
export const parseManifest = (document: Uint8Array): Manifest => readDocument(kind, document);

/** The document to sign. @throws `invalid_manifest` */
export const writeManifest = (manifest: Omit<Manifest, "schema">): Uint8Array =>
  writeDocument(kind, { ...manifest, schema: manifestSchema });
