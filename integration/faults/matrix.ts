/**
 * What becomes of a push that meets a fault, by where it meets it.
 *
 * - N  nothing was sent: it is tried again
 * - V  verify first, then decide: the device is read, and sent to again only where it idly runs the old version
 * - F  failed for good, at the first attempt; * after one read, since a part may have been written. Where whoever has
 *      many to update must stop, a comma tells which failure, and the law holds its code:
 *      untrusted (by certificate or pin, and nothing was asked of it), another device, another version,
 *      own source (ours, before or behind the first byte)
 * - D  deferred by what the device asked for; where bytes had left, the device is read before they leave again
 * - R  the reads go on to the deadline and nothing is ever sent again; what they did not prove by then is unknown
 * - –  cannot happen there
 */
export const table = `
| fault                                     | connect | TLS          | headers/0 %            | 50 %                   | 100 %, no response | during response | verify             |
|-------------------------------------------|---------|--------------|------------------------|------------------------|--------------------|-----------------|--------------------|
| refused / DNS / unreachable               | N       | –            | –                      | –                      | –                  | –               | R                  |
| timeout / blackhole                       | N       | N            | V                      | V                      | V                  | V               | R                  |
| RST / FIN                                 | N       | N            | V                      | V                      | V                  | V               | R                  |
| bad certificate / pin                     | –       | F, untrusted | –                      | –                      | –                  | –               | F, untrusted       |
| early 401/403/404/413/415                 | –       | –            | F                      | F*                     | F*                 | –               | F                  |
| 408/429/503                               | –       | –            | D                      | V                      | V                  | –               | R                  |
| other 5xx                                 | –       | –            | V                      | V                      | V                  | –               | R                  |
| 3xx                                       | –       | –            | F                      | F*                     | F*                 | –               | F                  |
| early 2xx, body unfinished                | –       | –            | V + flag               | V + flag               | –                  | –               | –                  |
| malformed / oversize / drip / 1xx flood   | –       | –            | V                      | V                      | V                  | V               | R                  |
| reports the old version                   | –       | –            | –                      | –                      | –                  | –               | poll, not updated  |
| reports another device                    | –       | –            | –                      | –                      | –                  | –               | F, another device  |
| reports another version, stably           | –       | –            | –                      | –                      | –                  | –               | F, another version |
| local read error / digest mismatch        | –       | –            | F, own source, unsent  | F, own source, in part | –                  | –               | –                  |
`;

export type Column = "connect" | "TLS" | "headers/0 %" | "50 %" | "100 %, no response" | "during response" | "verify";
export type Place = `${string} × ${Column}`;

const cellsOf = (line: string): readonly string[] =>
  line
    .split("|")
    .slice(1, -1)
    .map((cell) => cell.trim());

const [header = "", , ...rows] = table.trim().split("\n");
const [, ...columns] = cellsOf(header) as [string, ...Column[]];

/** The law of every cell that can happen, by its place. */
export const matrix: ReadonlyMap<Place, string> = new Map(
  rows.flatMap((line) => {
    const [row, ...laws] = cellsOf(line);
    return columns.flatMap((column, at): readonly (readonly [Place, string])[] =>
      laws[at] === undefined || laws[at] === "–" ? [] : [[`${row} × ${column}`, laws[at]]],
    );
  }),
);
