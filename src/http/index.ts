export type { AddressPolicyOptions } from "./address-policy.ts";
export type { TransportLimits, TransportOptions, TransportTimeouts } from "./options.ts";
export type { TlsOptions } from "./tls.ts";
export { createTransport } from "./transport.ts";
