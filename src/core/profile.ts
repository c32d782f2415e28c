/** What a request to a device is for. A profile names at most one request per purpose. */
export type Purpose = "send" | "inspect" | "activate" | "commit" | "rollback" | "health";

export const purposes: readonly Purpose[] = Object.freeze([
  "send",
  "inspect",
  "activate",
  "commit",
  "rollback",
  "health",
]);

/** One request, as a profile names it. Every field left out takes the delivery's default. */
export interface ProfileRequest {
  /** Upper-case HTTP method. */
  readonly method?: string;
  /** An absolute path, `/update`; never a URL. */
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Appended to the path, percent-encoded. */
  readonly query?: Readonly<Record<string, string>>;
  /** Form fields: the fields before the file in a multipart body, or a urlencoded body for requests without a file. */
  readonly form?: Readonly<Record<string, string>>;
  /** The text of a JSON document: a part before all others in a multipart body, or the body of requests without a file. */
  readonly json?: string;
  /** JSON pointer (RFC 6901) → the string it must hold in the answer. All must hold. */
  readonly checks?: Readonly<Record<string, string>>;
}

/** A request that reads. */
export interface ReadRequest extends ProfileRequest {
  /**
   * Another port of the same device, by the same scheme, under the same address policy. The device's credentials are not
   * shown there: they are for its own address alone. @default the address's own
   */
  readonly port?: number;
}

/** How the device's state is read from one answer. Exactly one of `pointer`, `text`, `pattern` says where the version is. */
export interface InspectRequest extends ReadRequest {
  /** JSON pointer (RFC 6901) to the version. */
  readonly pointer?: string;
  /** The whole trimmed body is the version. */
  readonly text?: boolean;
  /** A regular expression whose first group is the version. */
  readonly pattern?: string;
  /** JSON pointers to what else the device reports. `uptime` is in seconds. */
  readonly also?: {
    readonly digest?: string;
    readonly deviceId?: string;
    readonly hardware?: string;
    readonly slot?: string;
    readonly bootId?: string;
    readonly uptime?: string;
  };
}

/**
 * How a device is spoken to. The same shape is given to `http()` as defaults, kept on a device, and resolved by a
 * profile registry from a base profile and its overrides.
 */
export interface Profile {
  readonly send?: ProfileRequest;
  /** `false`: this device's state cannot be read by this protocol. */
  readonly inspect?: InspectRequest | false;
  readonly activate?: ProfileRequest;
  readonly commit?: ProfileRequest;
  readonly rollback?: ProfileRequest;
  /** `false`: this device has no health check. */
  readonly health?: ReadRequest | false;
  /** What its delivery takes besides requests, by that delivery's own names: a chunk size, an apply time, a target. */
  readonly options?: DeliveryOptions;
}

/** Flat, so that an override replaces one option and a form can show them all. A name the delivery does not know is refused. */
export type DeliveryOptions = Readonly<Record<string, string | number | boolean>>;
