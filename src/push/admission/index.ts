export { Admission, type Candidate, examineArtifact } from "./admission.ts";
export { type AdmissionOptions, type AdmissionPolicy, resolveAdmission } from "./options.ts";
