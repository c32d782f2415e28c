/** The parts of V8's profile formats that are read here. */
interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
}

export interface CpuProfile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: CallFrame }[];
  readonly samples: readonly number[];
  /** Microseconds before each sample. */
  readonly timeDeltas: readonly number[];
}

interface HeapNode {
  readonly callFrame: CallFrame;
  readonly selfSize: number;
  readonly children: readonly HeapNode[];
}

export interface HeapProfile {
  readonly head: HeapNode;
}

export interface Share {
  /** Of everything, 0 to 1. */
  readonly part: number;
  readonly where: string;
}

const nameOf = ({ functionName, url, lineNumber }: CallFrame): string =>
  `${functionName || "(anonymous)"}${url === "" ? "" : ` ${url}:${lineNumber + 1}`}`;

function shares(totals: ReadonlyMap<string, number>): readonly Share[] {
  const sum = [...totals.values()].reduce((a, b) => a + b, 0);
  return [...totals].map(([where, value]) => ({ where, part: value / sum })).toSorted((a, b) => b.part - a.part);
}

/** Time by function, callees not included; waiting is left out. */
export function cpuByFunction(profile: CpuProfile): readonly Share[] {
  const names = new Map(profile.nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const totals = new Map<string, number>();
  profile.samples.forEach((id, index) => {
    const name = names.get(id) ?? "(unknown)";
    if (name === "(idle)") return;
    totals.set(name, (totals.get(name) ?? 0) + (profile.timeDeltas[index] ?? 0));
  });
  return shares(totals);
}

/** Sampled bytes by the function that allocated them. */
export function heapByFunction(profile: HeapProfile): readonly Share[] {
  const totals = new Map<string, number>();
  const visit = (node: HeapNode): void => {
    if (node.selfSize > 0) {
      const name = nameOf(node.callFrame);
      totals.set(name, (totals.get(name) ?? 0) + node.selfSize);
    }
    for (const child of node.children) visit(child);
  };
  visit(profile.head);
  return shares(totals);
}
