// @ts-check
/** Bytes and their written forms. Parsers are strict: one spelling for each value, everything else is refused. */

import { demand, SealingError } from "./errors.js";

const encoder = new TextEncoder();
const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const BASE64_SLICE = 0x6000; // a multiple of three, small enough for one call of fromCharCode

/**
 * UTF-8 bytes of a text.
 * @param {string} text
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function utf8(text) {
  return new Uint8Array(encoder.encode(text));
}

/**
 * Text of UTF-8 bytes; malformed bytes are refused, a byte order mark is kept (and so refused by parsers later).
 * @param {Uint8Array} bytes
 * @returns {string}
 */
export function textOf(bytes) {
  try {
    return strictDecoder.decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) throw new SealingError("sealing.bad_encoding", { reason: "utf8" });
    throw error;
  }
}

/**
 * Lower-case hex.
 * @param {Uint8Array} bytes
 * @returns {string}
 */
export function toHex(bytes) {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}

/**
 * Bytes of lower-case hex; upper case and odd lengths are refused.
 * @param {string} text
 * @param {string} [code] of the refusal
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function fromHex(text, code = "sealing.bad_encoding") {
  demand(typeof text === "string" && /^(?:[0-9a-f]{2})*$/.test(text), code, { reason: "hex" });
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i += 1) bytes[i] = parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

/**
 * Standard base64 with padding (RFC 4648 §4).
 * @param {Uint8Array} bytes
 * @returns {string}
 */
export function toBase64(bytes) {
  let text = "";
  for (let i = 0; i < bytes.length; i += BASE64_SLICE) {
    text += btoa(String.fromCharCode(...bytes.subarray(i, i + BASE64_SLICE)));
  }
  return text;
}

/**
 * Bytes of standard base64; only the spelling that {@link toBase64} writes is accepted, so no two texts mean one value.
 * @param {string} text
 * @param {string} [code] of the refusal
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function fromBase64(text, code = "sealing.bad_encoding") {
  const isBase64 = typeof text === "string" && text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text);
  demand(isBase64, code, { reason: "base64" });
  const raw = atob(text);
  const bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i += 1) bytes[i] = raw.charCodeAt(i);
  demand(toBase64(bytes) === text, code, { reason: "base64" });
  return bytes;
}

/**
 * One array of several.
 * @param {...Uint8Array} pieces
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function concat(...pieces) {
  const joined = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    joined.set(piece, at);
    at += piece.length;
  }
  return joined;
}

/**
 * Whether two arrays are the same, without leaving early at the first difference.
 * @param {Uint8Array} a
 * @param {Uint8Array} b
 * @returns {boolean}
 */
export function isSame(a, b) {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i += 1) difference |= a[i] ^ b[i];
  return difference === 0;
}

/**
 * Fresh random bytes from the browser's generator.
 * @param {number} length
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function randomBytes(length) {
  return crypto.getRandomValues(new Uint8Array(length));
}

/**
 * SHA-256 of bytes.
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
export async function sha256(bytes) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}
