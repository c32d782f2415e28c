export { type Approval, parseApproval, writeApproval } from "./approval.ts";
export { timeOf } from "./document.ts";
export { generateKeys, type KeyPair, publicKeyOf, readPrivateKey, type TrustedKey, trustedKeys } from "./keys.ts";
export { type Manifest, parseManifest, writeManifest } from "./manifest.ts";
export {
  type MinisignKey,
  type MinisignSignature,
  minisignKeyOf,
  minisignKeys,
  minisignSigner,
  parseMinisign,
  signMinisign,
} from "./minisign.ts";
export { documentDigest, signDocument, signersOf } from "./signatures.ts";
