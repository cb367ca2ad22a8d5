// @ts-check
/**
 * The text rule used everywhere: a note is UTF-8 lines each ended by LF, its hash is hex SHA-256. An auditor redoes
 * any of them with `printf | sha256sum`.
 */

import { sha256, toHex, utf8 } from "./bytes.js";
import { demand } from "./errors.js";

/**
 * The bytes of a note. A line never holds LF, CR or NUL: it would make two different notes equal.
 * @param {...(string | number)} lines
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function note(...lines) {
  const texts = lines.map(String);
  demand(texts.every((text) => !/[\n\r\0]/.test(text)), "sealing.bad_note_line");
  return utf8(texts.map((text) => text + "\n").join(""));
}

/**
 * Hex SHA-256 of a note.
 * @param {...(string | number)} lines
 * @returns {Promise<string>}
 */
export async function h(...lines) {
  return toHex(await sha256(note(...lines)));
}
