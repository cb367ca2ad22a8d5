// @ts-check
/** Bytes, their written forms, and SHA-256. Strict: one spelling for each value. */

import { demand, Problem } from "./problems.js";

/** @typedef {Uint8Array<ArrayBuffer>} Bytes */

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * @param {string} text
 * @returns {Bytes}
 */
export function utf8(text) {
  return new Uint8Array(encoder.encode(text));
}

/**
 * @param {Uint8Array} raw
 * @param {string} where
 */
export function textOf(raw, where) {
  try {
    return decoder.decode(raw);
  } catch (error) {
    if (error instanceof TypeError) throw new Problem("format.utf8", where);
    throw error;
  }
}

/** @param {Uint8Array} raw */
export function hex(raw) {
  let text = "";
  for (const byte of raw) text += (byte < 16 ? "0" : "") + byte.toString(16);
  return text;
}

/**
 * @param {string} text lower-case hex, checked before or by this
 * @param {string} where
 * @param {number} [length] in bytes
 * @returns {Bytes}
 */
export function unhex(text, where, length) {
  demand(/^(?:[0-9a-f]{2})*$/.test(text) && (length === undefined || text.length === 2 * length), "format.hex", where);
  const raw = new Uint8Array(text.length / 2);
  for (let at = 0; at < raw.length; at += 1) raw[at] = parseInt(text.slice(2 * at, 2 * at + 2), 16);
  return raw;
}

/** @param {Uint8Array} raw */
export function base64(raw) {
  let text = "";
  for (let at = 0; at < raw.length; at += 0x6000) text += String.fromCharCode(...raw.subarray(at, at + 0x6000));
  return btoa(text);
}

/**
 * Canonical padded base64.
 * @param {unknown} text
 * @param {string} where
 * @param {number} [length] in bytes
 * @returns {Bytes}
 */
export function unbase64(text, where, length) {
  const isForm = typeof text === "string" && text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text);
  demand(isForm, "format.base64", where);
  const raw = Uint8Array.from(atob(/** @type {string} */ (text)), (char) => char.charCodeAt(0));
  demand(base64(raw) === text && (length === undefined || raw.length === length), "format.base64", where);
  return raw;
}

/**
 * @param {...Uint8Array} pieces
 * @returns {Bytes}
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
 * @param {Uint8Array} a
 * @param {Uint8Array} b
 */
export function equal(a, b) {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

/**
 * Order of Unicode code points, as in Python; JavaScript's own order is that of UTF-16 units.
 * @param {string} a
 * @param {string} b
 */
export function byCodePoint(a, b) {
  const left = Array.from(a, (char) => char.codePointAt(0) ?? 0);
  const right = Array.from(b, (char) => char.codePointAt(0) ?? 0);
  for (let at = 0; at < Math.min(left.length, right.length); at += 1) {
    if (left[at] !== right[at]) return left[at] - right[at];
  }
  return left.length - right.length;
}

// FIPS 180-4: fractional parts of cube and square roots of the first primes, computed rather than copied.
const PRIMES = Array.from({ length: 312 }, (_, n) => n).filter((n) => n > 1 && isPrime(n)).slice(0, 64);

/** @param {number} n */
function isPrime(n) {
  for (let divisor = 2; divisor * divisor <= n; divisor += 1) if (n % divisor === 0) return false;
  return true;
}

/**
 * The first 32 bits of the fractional part of a root of a prime, exactly: floor(prime^(1/k) · 2^32) mod 2^32.
 * @param {number} prime
 * @param {bigint} k
 */
function rootBits(prime, k) {
  const target = BigInt(prime) << (32n * k);
  let low = 0n;
  let high = 1n << 40n;
  while (low < high) {
    const middle = (low + high + 1n) / 2n;
    if (middle ** k <= target) low = middle;
    else high = middle - 1n;
  }
  return Number(low & 0xffffffffn);
}

const ROUND = Uint32Array.from(PRIMES, (prime) => rootBits(prime, 3n));
const START = Uint32Array.from(PRIMES.slice(0, 8), (prime) => rootBits(prime, 2n));

/** SHA-256 that takes a stream piece by piece, which WebCrypto's can not. */
export class Sha256 {
  #state = START.slice();
  #words = new Uint32Array(64);
  #block = new Uint8Array(64);
  #filled = 0;
  #length = 0;

  /** @param {Uint8Array} piece */
  update(piece) {
    this.#length += piece.length;
    let at = 0;
    if (this.#filled) {
      at = Math.min(64 - this.#filled, piece.length);
      this.#block.set(piece.subarray(0, at), this.#filled);
      this.#filled += at;
      if (this.#filled < 64) return this;
      this.#mix(this.#block, 0);
      this.#filled = 0;
    }
    for (; at + 64 <= piece.length; at += 64) this.#mix(piece, at);
    this.#block.set(piece.subarray(at));
    this.#filled = piece.length - at;
    return this;
  }

  /** @returns {Bytes} */
  digest() {
    const length = this.#length;
    const tail = new Uint8Array(this.#filled < 56 ? 64 : 128);
    tail.set(this.#block.subarray(0, this.#filled));
    tail[this.#filled] = 0x80;
    const view = new DataView(tail.buffer);
    view.setUint32(tail.length - 8, Math.floor(length / 2 ** 29));
    view.setUint32(tail.length - 4, (length << 3) >>> 0);
    for (let at = 0; at < tail.length; at += 64) this.#mix(tail, at);
    const out = new Uint8Array(32);
    const words = new DataView(out.buffer);
    this.#state.forEach((word, i) => words.setUint32(4 * i, word));
    return out;
  }

  /**
   * @param {Uint8Array} raw
   * @param {number} at
   */
  #mix(raw, at) {
    const w = this.#words;
    for (let i = 0; i < 16; i += 1, at += 4) {
      w[i] = (raw[at] << 24) | (raw[at + 1] << 16) | (raw[at + 2] << 8) | raw[at + 3];
    }
    for (let i = 16; i < 64; i += 1) {
      const x = w[i - 15];
      const y = w[i - 2];
      const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
      const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
      w[i] = (w[i - 16] + s0 + w[i - 7] + s1) | 0;
    }
    const state = this.#state;
    let [a, b, c, d, e, f, g, k] = state;
    for (let i = 0; i < 64; i += 1) {
      const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const t1 = (k + s1 + ((e & f) ^ (~e & g)) + ROUND[i] + w[i]) | 0;
      const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      k = g;
      g = f;
      f = e;
      e = (d + t1) | 0;
      d = c;
      c = b;
      b = a;
      a = (t1 + t2) | 0;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
    state[5] += f;
    state[6] += g;
    state[7] += k;
  }
}

/**
 * @param {...Uint8Array} pieces
 * @returns {Bytes}
 */
export function sha256(...pieces) {
  const digest = new Sha256();
  for (const piece of pieces) digest.update(piece);
  return digest.digest();
}

/**
 * The bytes of lines, each ended by LF.
 * @param {...(string | number)} lines
 */
export function note(...lines) {
  return utf8(lines.map((line) => `${line}\n`).join(""));
}

/**
 * Hex SHA-256 of {@link note}.
 * @param {...(string | number)} lines
 */
export function h(...lines) {
  return hex(sha256(note(...lines)));
}
