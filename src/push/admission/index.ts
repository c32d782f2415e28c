export { Admission, type Candidate } from "./admission.ts";
export { type AdmissionOptions, type AdmissionPolicy, resolveAdmission } from "./options.ts";
