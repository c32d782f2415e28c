import type { Artifact, SignedDocument } from "../../core/artifact.ts";
import { type Clock, systemClock } from "../../core/clock.ts";
import { FlashwaveError, inContext, isFlashwaveError } from "../../core/errors.ts";
import type { Admitted, DeviceState } from "../../core/outcome.ts";
import { type Ordering, semver } from "../../core/versions.ts";
import { otherDevice } from "../faults.ts";
import { type AdmissionOptions, type AdmissionPolicy, resolveAdmission } from "./options.ts";
import {
  asksDevice,
  type Covered,
  coverOf,
  judgeArtifact,
  judgeDevice,
  type Leave,
  type Refusal,
  type Vouched,
} from "./rules.ts";
import { readLeave, vouch } from "./vouching.ts";

/** An artifact that passed all rules that are not about the device. */
export interface Candidate {
  /** Whether a rule is about the device, so that it must be read first. */
  readonly asksDevice: boolean;
  /** @throws the refusal by a rule about the device; without a state, where none is */
  admit(state?: DeviceState): Admitted;
}

/** The gate before the first byte, for one client. */
export class Admission {
  readonly #policy: AdmissionPolicy;
  readonly #versions: Ordering;
  readonly #clock: Pick<Clock, "wall">;
  /** An artifact is immutable, and so is an approval that was read: whose signatures they have is found out once. */
  readonly #vouched: WeakMap<Artifact, Promise<Vouched>> = new WeakMap();
  readonly #leaves: WeakMap<SignedDocument, Leave> = new WeakMap();

  constructor(policy: AdmissionPolicy, versions: Ordering, clock: Pick<Clock, "wall">) {
    this.#policy = policy;
    this.#versions = versions;
    this.#clock = clock;
  }

  /** The rules about the artifact. @throws the refusal, or what the artifact's bytes throw when they are read */
  async examine(
    device: string | undefined,
    artifact: Artifact,
    approvals: readonly SignedDocument[] = [],
  ): Promise<Candidate> {
    try {
      const leaves = approvals.map((signed) => this.#leave(signed));
      const vouched = await this.#vouch(artifact);
      const cover = new CoverOnce(() => coverOf(this.#policy, vouched, device ?? "", leaves, this.#clock.wall()));
      refuse(judgeArtifact(this.#policy, vouched, artifact.ref, cover.ask, this.#clock.wall()), device);
      return this.#candidate(device, artifact, vouched, cover);
    } catch (error) {
      throw isFlashwaveError(error) && device !== undefined ? inContext(error, { device }) : error;
    }
  }

  #candidate(device: string | undefined, { ref }: Artifact, vouched: Vouched, cover: CoverOnce): Candidate {
    const { manifest, digest, keys } = vouched;
    return {
      asksDevice: asksDevice(this.#policy, vouched, ref),
      admit: (state) => {
        if (state !== undefined) {
          if (state.deviceId !== undefined && state.deviceId !== device) throw otherDevice(state, "admission", device);
          refuse(judgeDevice(this.#policy, vouched, ref, state, this.#versions, cover.ask), device);
        }
        return {
          keys,
          ...(digest !== undefined && { manifest: digest }),
          ...(manifest !== undefined && { sequence: manifest.sequence }),
          approved: cover.asked,
        };
      },
    };
  }

  #vouch(artifact: Artifact): Promise<Vouched> {
    const known = this.#vouched.get(artifact);
    if (known !== undefined) return known;
    const vouched = vouch(this.#policy, artifact);
    this.#vouched.set(artifact, vouched);
    // A file that could not be read now may be readable later; what was refused stays refused, for a whole fleet.
    vouched.catch((error: unknown) => {
      if (!isFlashwaveError(error) || error.phase !== "admission") this.#vouched.delete(artifact);
    });
    return vouched;
  }

  #leave(signed: SignedDocument): Leave {
    const leave = this.#leaves.get(signed) ?? readLeave(this.#policy, signed);
    this.#leaves.set(signed, leave);
    return leave;
  }
}

/** What covers a downgrade. Most artifacts need no approval, so none is looked at until a rule asks. */
class CoverOnce {
  readonly #look: () => Covered;
  #found: Covered | undefined;

  constructor(look: () => Covered) {
    this.#look = look;
  }

  readonly ask = (): Covered => {
    this.#found ??= this.#look();
    return this.#found;
  };

  get asked(): boolean {
    return this.#found !== undefined;
  }
}

function refuse(refusal: Refusal | undefined, device: string | undefined): void {
  if (refusal === undefined) return;
  const context = { phase: "admission", ...(device !== undefined && { device }) } as const;
  throw new FlashwaveError(refusal.code, refusal.message, context);
}

/**
 * Holds an artifact against a policy without any device: manifest, signatures, expiry, digest, length, version and
 * sequence, as a client would before it speaks to one. For whoever releases artifacts, or takes them in.
 * @throws `invalid_option` for the policy; `unsigned`, `invalid_manifest`, `untrusted`, `artifact_digest_mismatch`,
 * `manifest_expired`, `manifest_mismatch`, `downgrade_refused` (its sequence) for the artifact
 */
export async function examineArtifact(
  artifact: Artifact,
  admission: AdmissionOptions,
  clock: Pick<Clock, "wall"> = systemClock,
): Promise<Admitted> {
  const examiner = new Admission(resolveAdmission(admission), semver, clock);
  return (await examiner.examine(undefined, artifact)).admit();
}
