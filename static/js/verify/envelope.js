// @ts-check
/** The cryptography of a sealed bid (docs/sealed-bid-format.md): wraps, shares, part keys, the chunked payload. */

import { Aes256Gcm, CipherSuite, DecapError, DeserializeError, DhkemP256HkdfSha256, HkdfSha256, OpenError } from "../../vendor/js/hpke.js";
import { combine } from "../../vendor/js/shamir.js";
import { concat, equal, h, hex, note, Sha256, unhex, utf8 } from "./bytes.js";
import { demand, Problem } from "./problems.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */

const CHUNK = 16384;
const TAG = 16;
const PREFIX = 56;
const MIN_PADDED = 4096;
const SEGMENT = 8 * 1024 * 1024;
const MOST_SUBSETS = 600;
const LABEL = utf8("c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0");
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const PKCS8 = unhex("3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420", "");

/**
 * ECDSA P-256 with SHA-256; false also for an impossible key or signature.
 * @param {Bytes} point
 * @param {Bytes} signature
 * @param {Bytes} message
 */
export async function signatureHolds(point, signature, message) {
  try {
    const curve = { name: "ECDSA", namedCurve: "P-256" };
    const key = await crypto.subtle.importKey("raw", point, curve, false, ["verify"]);
    return signature.length === 64 && (await crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, key, signature, message));
  } catch (error) {
    if (error instanceof DOMException) return false;
    throw error;
  }
}

/**
 * The key pair of a published private key of 64 hex digits, with its point.
 * @param {string} digits
 * @param {string} where
 */
export async function gatePair(digits, where) {
  const number = BigInt(`0x${digits}`);
  demand(number > 0n && number < ORDER, "gate.key_form", where);
  const curve = { name: "ECDH", namedCurve: "P-256" };
  // Without its public half in the file the browser computes the point itself.
  const key = await crypto.subtle.importKey("pkcs8", concat(PKCS8, unhex(digits, where, 32)), curve, true, ["deriveBits"]);
  const jwk = await crypto.subtle.exportKey("jwk", key);
  const decoded = (/** @type {string | undefined} */ text) =>
    Uint8Array.from(atob((text ?? "").replaceAll("-", "+").replaceAll("_", "/")), (char) => char.charCodeAt(0));
  const point = concat(Uint8Array.of(4), decoded(jwk.x), decoded(jwk.y));
  const publicKey = await crypto.subtle.importKey("raw", point, curve, true, []);
  return { pair: { privateKey: key, publicKey }, point };
}

const suite = new CipherSuite({ kem: new DhkemP256HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes256Gcm() });

/**
 * A wrap's content; undefined when it does not open.
 * @param {CryptoKeyPair} pair
 * @param {string} b hex
 * @param {string} role
 * @param {Bytes} wrapped
 * @returns {Promise<Bytes | undefined>}
 */
export async function unwrap(pair, b, role, wrapped) {
  if (wrapped.length <= 65) return undefined;
  try {
    const enc = wrapped.slice(0, 65);
    const info = note("etender-wrap/v1", b, role);
    return new Uint8Array(await suite.open({ recipientKey: pair, enc, info }, wrapped.slice(65)));
  } catch (error) {
    const kinds = [OpenError, DecapError, DeserializeError];
    if (kinds.some((kind) => error instanceof kind)) return undefined;
    throw error;
  }
}

/**
 * @param {string} b hex
 * @param {string} role
 * @param {Uint8Array} secret
 */
export function commitmentTo(b, role, secret) {
  return h("etender-share/v1", b, role, hex(secret));
}

/**
 * The committed secret from any `needed` of the shares, sets in the order of the seats; undefined when none gives it.
 * @param {Map<number, Bytes>} shares
 * @param {number} needed
 * @param {string} b
 * @param {string} role
 * @param {string} committed
 */
export async function recombine(shares, needed, b, role, committed) {
  const seats = [...shares.keys()].sort((x, y) => x - y);
  let tried = 0;
  for (const chosen of subsets(seats, needed)) {
    tried += 1;
    if (tried > MOST_SUBSETS) break;
    const parts = chosen.map((seat) => /** @type {Bytes} */ (shares.get(seat)));
    const places = parts.map((part) => part[part.length - 1]);
    if (parts.some((part) => part.length !== 33) || places.includes(0) || new Set(places).size !== needed) continue;
    const secret = new Uint8Array(await combine(parts));
    if (commitmentTo(b, role, secret) === committed) return secret;
  }
  return undefined;
}

/**
 * @param {number[]} items
 * @param {number} count
 * @returns {Generator<number[]>}
 */
function* subsets(items, count) {
  if (count === 0) {
    yield [];
    return;
  }
  for (let at = 0; at + count <= items.length; at += 1) {
    for (const rest of subsets(items.slice(at + 1), count - 1)) yield [items[at], ...rest];
  }
}

/**
 * @param {Bytes} key
 * @param {Bytes} message
 */
async function hmac512(key, message) {
  const imported = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-512" }, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, message));
}

/**
 * @param {Bytes} prk
 * @param {Bytes} info
 * @param {number} length
 */
async function expand(prk, info, length) {
  let out = new Uint8Array(0);
  let block = new Uint8Array(0);
  for (let counter = 1; out.length < length; counter += 1) {
    block = await hmac512(prk, concat(block, info, Uint8Array.of(counter)));
    out = concat(out, block);
  }
  return out.slice(0, length);
}

/**
 * @param {Bytes} rBid
 * @param {Bytes} rGate
 * @param {Bytes} b
 * @param {string} part
 */
export async function partKeyOf(rBid, rGate, b, part) {
  const cek = await expand(await hmac512(b, concat(rBid, rGate)), utf8("etender-cek/v1"), 64);
  return expand(cek, utf8(`etender-part-key/v1\0${part}`), 32);
}

/**
 * The content of a small part. Problems "part.key", "part.cipher", "part.padding".
 * @param {Bytes} key
 * @param {string} part
 * @param {Bytes} headerHash
 * @param {Bytes} sealed
 * @param {string} where
 */
export async function openPart(key, part, headerHash, sealed, where) {
  demand(sealed.length >= PREFIX, "part.cipher", where, { reason: "truncated" });
  const context = concat(utf8(`etender-part/v1\0${part}\0`), headerHash);
  const stream = await expand(key, concat(LABEL, sealed.slice(0, 24), context), 76);
  demand(equal(stream.subarray(44), sealed.subarray(24, PREFIX)), "part.key", where);
  const cipher = await crypto.subtle.importKey("raw", stream.slice(0, 32), "AES-GCM", false, ["decrypt"]);
  const pieces = [];
  // Every chunk is full but the last, which is always there: the body never ends at a full chunk.
  const body = sealed.subarray(PREFIX);
  for (let number = 0; number * (CHUNK + TAG) <= body.length; number += 1) {
    const iv = stream.slice(32, 44);
    for (let at = 11, rest = number; rest > 0; at -= 1, rest = Math.floor(rest / 256)) iv[at] ^= rest % 256;
    const chunk = body.slice(number * (CHUNK + TAG), (number + 1) * (CHUNK + TAG));
    try {
      pieces.push(new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv }, cipher, chunk)));
    } catch (error) {
      if (error instanceof DOMException) throw new Problem("part.cipher", where, { reason: "tag" });
      throw error;
    }
  }
  const padded = concat(...pieces);
  demand(padded.length >= MIN_PADDED, "part.padding", where);
  const size = new DataView(padded.buffer).getBigUint64(0);
  const isPadded = size <= BigInt(padded.length - 8) && paddedTo(Number(size)) === padded.length;
  demand(isPadded && padded.subarray(8 + Number(size)).every((byte) => byte === 0), "part.padding", where);
  return padded.slice(8, 8 + Number(size));
}

/** @param {number} size */
function paddedTo(size) {
  const length = size + 8;
  const exponent = Math.floor(Math.log2(length));
  const step = 2 ** (exponent - Math.floor(Math.log2(exponent)) - 1);
  return Math.max(MIN_PADDED, Math.ceil(length / step) * step);
}

/**
 * SHA-256 of each 8 MiB segment.
 * @param {AsyncIterable<Uint8Array>} blocks
 */
export async function segmentDigests(blocks) {
  const found = [];
  let digest = new Sha256();
  let filled = 0;
  for await (let block of blocks) {
    while (block.length) {
      const taken = block.subarray(0, SEGMENT - filled);
      digest.update(taken);
      filled += taken.length;
      block = block.subarray(taken.length);
      if (filled === SEGMENT) {
        found.push(digest.digest());
        digest = new Sha256();
        filled = 0;
      }
    }
  }
  if (filled) found.push(digest.digest());
  return found;
}
