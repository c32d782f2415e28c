/** A Markdown table; the first row is its head, all columns but the first are figures. */
export function table(rows: readonly (readonly string[])[]): string {
  const [head = [], ...body] = rows;
  const line = (cells: readonly string[]): string => `| ${head.map((_, i) => escaped(cells[i] ?? "")).join(" | ")} |`;
  const rule = `|${head.map((_, i) => (i === 0 ? "---" : "--:")).join("|")}|`;
  return [line(head), rule, ...body.map(line)].join("\n");
}

/** The same with every column as text. */
export function plainTable(rows: readonly (readonly string[])[]): string {
  return table(rows).replace(/--:/g, "---");
}

function escaped(cell: string): string {
  return cell.replaceAll("|", "\\|").replaceAll("\n", " ");
}
