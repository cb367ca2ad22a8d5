// @ts-check
/** Strict JSON and typed access to its values. */

import { textOf } from "./bytes.js";
import { demand, Problem } from "./problems.js";

/** @typedef {{ [key: string]: any }} Obj */

const MAX_DEPTH = 16;
const SCAN = /"(?:[^"\\]|\\.)*"|[{}[\]:,]|[^\s"{}[\]:,]+/g;

export const FORM = {
  hex16: /^[0-9a-f]{32}$/,
  hex32: /^[0-9a-f]{64}$/,
  token: /^[A-Za-z0-9._:-]{1,64}$/,
  word: /^[a-z0-9_-]{1,40}$/,
  point: /^04[0-9a-f]{128}$/,
};

/**
 * One object; duplicate keys, fractions, numbers beyond 2^53 - 1, lone surrogates and deep nesting are refused.
 * @param {Uint8Array} raw
 * @param {string} where
 * @returns {Obj}
 */
export function readJson(raw, where) {
  const text = textOf(raw, where);
  let value;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) throw new Problem("format.json", where);
    throw error;
  }
  demand(isObject(value) && isPlain(text), "format.json", where);
  return value;
}

/** @param {string} text valid JSON */
function isPlain(text) {
  /** @type {(Set<string> | null)[]} */
  const open = [];
  const tokens = text.match(SCAN) ?? [];
  for (let at = 0; at < tokens.length; at += 1) {
    const token = tokens[at];
    if (token === "{") open.push(new Set());
    else if (token === "[") open.push(null);
    else if (token === "}" || token === "]") open.pop();
    else if (token.startsWith('"')) {
      const names = open.at(-1);
      const isKey = names && tokens[at + 1] === ":";
      const read = JSON.parse(token);
      if (!read.isWellFormed() || (isKey && names.has(read))) return false;
      if (isKey) names.add(read);
    } else if (/^[-0-9]/.test(token)) {
      const isWhole = /^-?[0-9]{1,16}$/.test(token) && token !== "-0" && Number.isSafeInteger(Number(token));
      if (!isWhole) return false;
    }
    if (open.length > MAX_DEPTH) return false;
  }
  return true;
}

/**
 * JSON with sorted keys and no spaces.
 * @param {unknown} value
 * @returns {string}
 */
export function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const members = Object.keys(value).sort().map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`);
  return `{${members.join(",")}}`;
}

/**
 * {@link readJson} of bytes that are their own canonical form.
 * @param {Uint8Array} raw
 * @param {string} where
 */
export function readCanonical(raw, where) {
  const value = readJson(raw, where);
  demand(canonical(value) === textOf(raw, where), "format.canonical", where);
  return value;
}

/**
 * @param {unknown} value
 * @returns {value is Obj}
 */
export function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * The object if it has exactly these keys.
 * @param {unknown} value
 * @param {string[]} keys
 * @param {string} where
 * @returns {Obj}
 */
export function keysExactly(value, keys, where) {
  const isExact =
    isObject(value) && Object.keys(value).length === keys.length && keys.every((key) => Object.hasOwn(value, key));
  demand(isExact, "format.keys", where);
  return /** @type {Obj} */ (value);
}

/**
 * @param {Obj} value
 * @param {string} key
 * @param {string} where
 * @param {RegExp} [form]
 * @returns {string}
 */
export function textIn(value, key, where, form) {
  const found = Object.hasOwn(value, key) ? value[key] : undefined;
  demand(typeof found === "string" && (!form || form.test(found)), "format.value", where, { key });
  return found;
}

/**
 * @param {Obj} value
 * @param {string} key
 * @param {string} where
 * @returns {number}
 */
export function numberIn(value, key, where) {
  const found = Object.hasOwn(value, key) ? value[key] : undefined;
  demand(Number.isSafeInteger(found) && found >= 0, "format.value", where, { key });
  return found;
}

/**
 * @param {Obj} value
 * @param {string} key
 * @param {string} where
 * @returns {any[]}
 */
export function listIn(value, key, where) {
  const found = Object.hasOwn(value, key) ? value[key] : undefined;
  demand(Array.isArray(found), "format.value", where, { key });
  return found;
}

/**
 * @param {Obj} value
 * @param {string} key
 * @param {string} where
 * @returns {string[]}
 */
export function textsIn(value, key, where) {
  const found = listIn(value, key, where);
  demand(found.every((one) => typeof one === "string"), "format.value", where, { key });
  return found;
}

/**
 * @param {Obj} value
 * @param {string} key
 * @param {string} where
 * @returns {Obj}
 */
export function objectIn(value, key, where) {
  const found = Object.hasOwn(value, key) ? value[key] : undefined;
  demand(isObject(found), "format.value", where, { key });
  return found;
}

/**
 * A decimal number without leading zeros.
 * @param {string} text
 * @param {string} where
 */
export function numberOf(text, where) {
  demand(/^(?:0|[1-9][0-9]{0,18})$/.test(text) && Number.isSafeInteger(Number(text)), "format.number", where);
  return Number(text);
}

/**
 * An instant in UTC as microseconds since 1970.
 * @param {string} text
 * @param {string} where
 * @returns {bigint}
 */
export function instantOf(text, where) {
  const [, seconds, fraction] = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{3}|\.\d{6})?Z$/.exec(text) ?? [];
  demand(seconds, "format.instant", where);
  const at = Date.parse(`${seconds}Z`);
  // Date rolls impossible days over; written again they differ.
  demand(!Number.isNaN(at) && new Date(at).toISOString().startsWith(seconds), "format.instant", where);
  return BigInt(at) * 1000n + BigInt((fraction ?? ".0").slice(1).padEnd(6, "0"));
}

/**
 * Lines of a text that is empty or ends with LF.
 * @param {Uint8Array} raw
 * @param {string} where
 */
export function splitLines(raw, where) {
  const text = textOf(raw, where);
  demand((text === "" || text.endsWith("\n")) && !/[\r\0]/.test(text), "format.lines", where);
  return text.split("\n").slice(0, -1);
}
