import type { RawEnding } from "../raw.ts";
import { type Behaviour, chunked, claim, endless, head, one, reply, several, whole } from "./behaviour.ts";

const endings: readonly (readonly [RawEnding, string])[] = [
  ["fin", "the connection's end"],
  ["rst", "a reset"],
  ["mute", "silence"],
];
const parts: readonly (readonly [string, string])[] = [
  ["no answer", ""],
  ["the first letter", "H"],
  ["half a status line", "HTTP/1.1 20"],
  ["half the headers", head],
];

/** After the whole body: so much of an answer, and then one of the endings. */
const cut: readonly Behaviour[] = parts.flatMap(([name, text]) =>
  endings.map(([ending, what]) => one(`${name}, then ${what}`, text, ending)),
);

/** At a byte of the body that is not the last. */
export const early = (place: string, at: number): readonly Behaviour[] => [
  ...endings.map(([ending, what]) => one(`${what} ${place}`, "", ending, at)),
  one(`nothing more is read ${place}`, "", "hold", at),
  ...([200, 204, 401, 413, 500, 503, 307] as const).flatMap((status) => [
    one(`${status} ${place}`, reply(status), "mute", at),
    one(`${status} and a reset ${place}`, reply(status), "rst", at),
  ]),
  one(`403 and the connection's end ${place}`, reply(403), "fin", at),
  one(`200 that is held ${place}`, whole, "hold", at),
  one(`half a 200 ${place}`, `${head}content-length: ${claim.length}\r\n\r\n{"ver`, "mute", at),
  one(`200 in chunks without an end ${place}`, `${chunked}1\r\n{\r\n`, "mute", at),
  several(`a 200 without end ${place}`, [{ write: `${head}\r\n` }, { write: "        ", times: endless }], "mute", at),
  one(`no HTTP ${place}`, "SSH-2.0-dropbear_2022.83\r\n", "mute", at),
  one(`100 Continue unasked ${place}`, "HTTP/1.1 100 Continue\r\n\r\n", "mute", at),
  one(`101 unasked ${place}`, "HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n", "mute", at),
];

export const cutBehaviours: readonly Behaviour[] = cut;
