// @ts-check
/**
 * Strict JSON: what two parsers could read differently is refused (duplicate keys, fractions, exponents, negative
 * numbers, control characters, unpaired surrogates, a byte order mark). Bytes are hashed as received, so the reading
 * must be unique.
 */

import { textOf } from "./bytes.js";
import { demand, SealingError } from "./errors.js";

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\]:,]|[^\s"{}[\]:,]+/g;
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/**
 * @typedef {{ [key: string]: any }} JsonObject
 */

/**
 * Parse one JSON object.
 * @param {Uint8Array} bytes
 * @param {number} maxBytes
 * @param {string} code the refusal when anything is out of order
 * @returns {JsonObject}
 */
export function parseStrict(bytes, maxBytes, code) {
  demand(bytes.length <= maxBytes, code, { reason: "too_large" });
  let text, value;
  try {
    text = textOf(bytes);
    value = JSON.parse(text);
  } catch (error) {
    const isUnreadable = error instanceof SyntaxError || error instanceof SealingError;
    throw isUnreadable ? new SealingError(code, { reason: "not_json" }) : error;
  }
  checkTokens(text, code);
  demand(isObject(value), code, { reason: "not_an_object" });
  return value;
}

/**
 * @param {unknown} value
 * @returns {value is JsonObject}
 */
export function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Refuse an object that has other keys than these, or lacks one.
 * @param {unknown} value
 * @param {readonly string[]} keys
 * @param {string} code
 * @returns {asserts value is JsonObject}
 */
export function demandKeys(value, keys, code) {
  demand(isObject(value), code, { reason: "not_an_object" });
  const present = Object.keys(value);
  demand(present.length === keys.length && keys.every((key) => Object.hasOwn(value, key)), code, { reason: "keys" });
}

/**
 * @param {string} text valid JSON
 * @param {string} code
 */
function checkTokens(text, code) {
  const tokens = text.match(TOKEN) ?? [];
  /** @type {(Set<string> | null)[]} keys seen in each open object; null for an open array */
  const open = [];
  tokens.forEach((token, at) => {
    if (token === "{") open.push(new Set());
    else if (token === "[") open.push(null);
    else if (token === "}" || token === "]") open.pop();
    else if (token.startsWith('"')) {
      const read = JSON.parse(token);
      demand(!CONTROL.test(read) && read.isWellFormed(), code, { reason: "characters" });
      const keys = open.at(-1);
      if (keys && tokens[at + 1] === ":") {
        demand(!keys.has(read), code, { reason: "duplicate_key" });
        keys.add(read);
      }
    } else if (/^-?[0-9]/.test(token)) {
      demand(/^[0-9]+$/.test(token) && Number.isSafeInteger(Number(token)), code, { reason: "number" });
    }
  });
}
