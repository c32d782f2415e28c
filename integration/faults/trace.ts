import type { ClientEvent } from "../../src/index.ts";

/** What a client told of one push or update, boiled down to what a law speaks of. */
export type Mark =
  | { readonly kind: "attempt" }
  | {
      readonly kind: "fault";
      readonly code: string;
      readonly next: "retry" | "read" | "give-up";
      readonly bytesOut: "none" | "some" | "all";
      readonly delay: number;
    }
  | { readonly kind: "read"; readonly version: string }
  | { readonly kind: "unread"; readonly code: string }
  | { readonly kind: "sent" };

export function markOf(event: ClientEvent): readonly Mark[] {
  switch (event.type) {
    case "attempt-started":
      return [{ kind: "attempt" }];
    case "attempt-failed": {
      const { error, next, delay } = event;
      return [{ kind: "fault", code: error.code, next, bytesOut: error.bytesOut, delay }];
    }
    case "read":
      return [
        event.state === undefined
          ? { kind: "unread", code: event.error?.code ?? "" }
          : { kind: "read", version: event.state.version },
      ];
    case "sent":
      return [{ kind: "sent" }];
    default:
      return [];
  }
}

/** One fault of an attempt, and all that came behind it up to the next attempt or the end. */
export interface Aftermath {
  readonly fault: Extract<Mark, { kind: "fault" }>;
  /** Versions that were read until then, in order. */
  readonly reads: readonly string[];
  readonly unread: number;
  /** Whether another attempt followed. */
  readonly repeated: boolean;
}

export function aftermaths(trace: readonly Mark[]): readonly Aftermath[] {
  return trace.flatMap((mark, at) => {
    if (mark.kind !== "fault") return [];
    const rest = trace.slice(at + 1);
    const ends = rest.findIndex(({ kind }) => kind === "attempt" || kind === "sent");
    const behind = ends < 0 ? rest : rest.slice(0, ends);
    return [
      {
        fault: mark,
        reads: behind.flatMap((seen) => (seen.kind === "read" ? [seen.version] : [])),
        unread: behind.filter(({ kind }) => kind === "unread").length,
        repeated: rest[ends]?.kind === "attempt",
      },
    ];
  });
}

/** Marks behind the acknowledgement. */
export function verifying(trace: readonly Mark[]): readonly Mark[] {
  const at = trace.findIndex(({ kind }) => kind === "sent");
  return at < 0 ? [] : trace.slice(at + 1);
}
