// @ts-check
/**
 * The paper form of a key backup: the age file in rows that a person can type again, each with a checksum of its own, so
 * that a slip is found in its row. The same form as `centre holder-agent --paper` writes and `--restore` reads.
 */

import { concat, fromBase64, sha256, toBase64, toHex, utf8 } from "../sealing/bytes.js";
import { demand } from "../sealing/errors.js";
import { h } from "../sealing/notes.js";

/** @typedef {Uint8Array<ArrayBuffer>} Bytes */

const KIND = "etender-paper/v1";
const ROW_BYTES = 36;
const MAX_ROWS = 400;
const CODE = "keyholding.paper_malformed";

/**
 * @param {Bytes} age
 * @param {string} lotId
 * @returns {Promise<string>} lines ended by LF
 */
export async function writePaper(age, lotId) {
  const rows = [];
  for (let at = 0; at < age.length; at += ROW_BYTES) rows.push(toBase64(age.subarray(at, at + ROW_BYTES)));
  const lines = [`${KIND} ${lotId} ${rows.length} ${toHex(await sha256(age)).slice(0, 16)}`];
  for (const [at, row] of rows.entries()) {
    const number = String(at + 1).padStart(2, "0");
    lines.push(`${number} ${row.match(/.{1,4}/g)?.join(" ")} = ${await rowSum(at + 1, row)}`);
  }
  return lines.map((line) => `${line}\n`).join("");
}

/**
 * Read a sheet back. Spaces do not count. The refusal names the first row that was typed wrongly.
 * @param {string} text
 * @returns {Promise<{ age: Bytes, lotId: string }>}
 */
export async function readPaper(text) {
  const [head, ...lines] = text.split("\n").map((line) => line.trim()).filter(Boolean);
  const [, lotId = "", count = "", sum = ""] =
    /^etender-paper\/v1 ([0-9a-f-]{36}) (\d{1,3}) ([0-9a-f]{16})$/.exec(head ?? "") ?? [];
  demand(lotId !== "", CODE, { row: 0 });
  demand(lines.length === Number(count) && lines.length <= MAX_ROWS, CODE, { row: lines.length + 1 });
  const pieces = [];
  for (const [at, line] of lines.entries()) {
    const [, number = "", spaced = "", check = ""] = /^(\d{1,3}) (.+) = ([0-9a-f]{4})$/.exec(line) ?? [];
    const row = spaced.replaceAll(" ", "");
    demand(Number(number) === at + 1 && (await rowSum(at + 1, row)) === check, CODE, { row: at + 1 });
    pieces.push(fromBase64(row, CODE));
  }
  const age = concat(...pieces);
  demand(toHex(await sha256(age)).startsWith(sum), CODE, { row: 0 });
  return { age, lotId };
}

/**
 * @param {number} number
 * @param {string} row
 */
async function rowSum(number, row) {
  return (await h(KIND, number, row)).slice(0, 4);
}

/** @param {Bytes} bytes whether a chosen file is a sheet typed from paper */
export function isPaper(bytes) {
  const start = utf8(`${KIND} `);
  return start.every((byte, at) => bytes[at] === byte);
}
