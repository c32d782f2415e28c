import type { Delivery } from "../../core/delivery.ts";
import type { FlashwaveErrorCode } from "../../core/errors.ts";
import type { Profile } from "../../core/profile.ts";
import { boundTo } from "../shared/exchange.ts";
import { createPlans } from "./plan.ts";
import { uploadProber } from "./probe.ts";
import { UploadSession } from "./session.ts";
import type { UploadSettings } from "./settings.ts";

/** A profile whose `options` are those of a web upload. */
export interface UploadProfile extends Profile {
  readonly options?: Partial<UploadSettings>;
}

/** What a status means where it means more than HTTP says: its code, and what follows "The device answered 409". */
export type Statuses = Readonly<
  Record<number, { readonly code: FlashwaveErrorCode; readonly retryable?: true; readonly says: string }>
>;

/** A kind of device that takes firmware as the file of a web form, as data. */
export interface Family {
  /** What `Device.delivery` names. */
  readonly kind: string;
  readonly profile: UploadProfile;
  /** Statuses with which such a device certainly changed nothing. */
  readonly refusals: readonly number[];
  readonly statuses?: Statuses;
}

/**
 * The delivery of one family. A device's profile changes the family's field by field.
 * @throws `invalid_profile`
 */
export function uploadFamily(family: Family, profile?: UploadProfile): Delivery {
  const plans = createPlans(family, profile);
  return Object.freeze<Delivery>({
    kind: family.kind,
    prober: uploadProber(family, profile, plans),
    bind(device, context) {
      const plan = plans(context.profile ?? device.profile);
      return new UploadSession(plan, boundTo(device, context, plan.settings.auth));
    },
  });
}
