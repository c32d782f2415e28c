import type { Artifact, ArtifactRef } from "../../core/artifact.ts";
import type { ArtifactStore } from "../../core/artifact-store.ts";
import type { CallOptions, Listing, PageOptions } from "../../core/page.ts";
import { checkSameMeaning, readBytes, readReference, unknownArtifact } from "../artifact-bytes.ts";
import { pageOptions, resolvePage } from "../page-options.ts";
import type { Fleet } from "./fleet.ts";
import { OrderedKeys } from "./ordered-keys.ts";
import { issuer, readListing } from "./page.ts";
import { openResident } from "./payload.ts";

interface Kept {
  readonly ref: ArtifactRef;
  readonly bytes: Uint8Array;
}

const use = "page artifacts";

export function createArtifacts(fleet: Fleet): ArtifactStore {
  const kept = new Map<string, Kept>();
  const keys = new OrderedKeys();
  const known = (ref: ArtifactRef): ArtifactRef | undefined => {
    const there = kept.get(ref.digest);
    if (there !== undefined) checkSameMeaning(there.ref, ref);
    return there?.ref;
  };
  return Object.freeze({
    async put(artifact: Artifact, options?: CallOptions): Promise<ArtifactRef> {
      fleet.gate.enter(options);
      const ref = readReference(artifact);
      const before = known(ref);
      if (before !== undefined) return before;
      const bytes = new Uint8Array(ref.length);
      await readBytes(artifact, ref, (chunk, position) => {
        fleet.gate.enter(options);
        bytes.set(chunk, position);
      });
      fleet.gate.enter(options);
      const meanwhile = known(ref); // two puts of the same bytes may overlap
      if (meanwhile !== undefined) return meanwhile;
      kept.set(ref.digest, { ref, bytes });
      keys.add(ref.digest);
      return ref;
    },

    async open(digest: string, options?: CallOptions): Promise<Artifact> {
      fleet.gate.enter(options);
      const there = kept.get(digest);
      if (there === undefined) throw unknownArtifact();
      return openResident(there.ref, there.bytes);
    },

    async remove(digest: string, options?: CallOptions): Promise<boolean> {
      fleet.gate.enter(options);
      if (!kept.delete(digest)) return false;
      keys.remove(digest);
      return true;
    },

    async list(options?: PageOptions): Promise<Listing<ArtifactRef>> {
      fleet.gate.enter(options, pageOptions);
      const window = resolvePage(fleet.cursors, use, options);
      return readListing(
        keys.from(window.after),
        (digest) => kept.get(digest)?.ref,
        window,
        issuer(fleet.cursors, use),
      );
    },
  });
}
