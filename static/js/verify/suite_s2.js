// @ts-check
/**
 * Suite S2 (国密): SM2 encryption and signatures, SM3, chunks under SM4-GCM, with the arithmetic of sm-crypto-v2.
 *
 * Private keys read here are those the gate has published already.
 */

import * as vendored from "../../vendor/js/sm.js";
import { concat, equal, hex, note, unhex, utf8 } from "./bytes.js";
import { demand } from "./problems.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */

const { sm2, sm3, sm4 } = /** @type {typeof import("sm-crypto-v2")} */ (/** @type {unknown} */ (vendored));
const P = 0xfffffffeffffffffffffffffffffffffffffffff00000000ffffffffffffffffn;
const B = 0x28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93n;
const ORDER = 0xfffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123n;
const USER_ID = "1234567812345678";
const C1_C3_C2 = 1;
const [POINT, DIGEST, TAG, BLOCK] = [65, 32, 16, 64];

/** @param {...Uint8Array} pieces */
const digest = (...pieces) => unhex(sm3(concat(...pieces)), "", DIGEST);

/**
 * HMAC-SM3.
 * @param {Bytes} key
 * @param {Bytes} message
 */
async function mac(key, message) {
  const block = new Uint8Array(BLOCK);
  block.set(key.length > BLOCK ? digest(key) : key);
  const inner = digest(block.map((byte) => byte ^ 0x36), message);
  return digest(block.map((byte) => byte ^ 0x5c), inner);
}

/** SM3 of pieces that are kept until the end: one segment of a part at a time. */
class Kept {
  /** @type {Uint8Array[]} */ #pieces = [];

  /** @param {Uint8Array} piece */
  update(piece) {
    this.#pieces.push(piece);
  }

  digest() {
    return digest(...this.#pieces);
  }
}

/** @type {import("./suite_s1.js").Suite} */
export const S2 = {
  name: "S2",
  manifestKind: "etender-bid/v1+S2",
  cekSize: 32,
  chunkLabel: utf8("c2sp.org/chunked-encryption@v1+AEAD_SM4_GCM\0"),
  chunkKeySize: 16,
  digest,
  hasher: () => new Kept(),
  mac,
  signatureHolds: async (point, signature, message) => {
    if (signature.length !== 64 || !isPoint(point)) return false;
    const text = hex(signature);
    const [r, s] = [text.slice(0, 64), text.slice(64)].map((half) => BigInt(`0x${half}`));
    // The library does not look whether r and s are in range.
    const isInRange = [r, s].every((number) => number > 0n && number < ORDER) && (r + s) % ORDER !== 0n;
    return isInRange && sm2.doVerifySignature(message, text, hex(point), { hash: true, userId: USER_ID });
  },
  gateKey: async (digits, where) => {
    const number = BigInt(`0x${digits}`);
    demand(number > 0n && number < ORDER - 1n, "gate.key_form", where);
    return { digits, point: unhex(sm2.getPublicKeyFromPrivateKey(digits), where, POINT) };
  },
  unwrap: async ({ digits }, b, role, wrapped) => {
    const isWhole = wrapped.length > POINT + DIGEST && isPoint(wrapped.subarray(0, POINT));
    if (!isWhole || !digits) return undefined;
    // The library takes C1 without its 04, and answers what does not open with nothing.
    const found = sm2.doDecrypt(hex(wrapped.subarray(1)), digits, C1_C3_C2, { output: "array" });
    const opened = new Uint8Array(found);
    const bound = digest(note("etender-wrap/v1", b, role));
    const at = opened.length - DIGEST;
    return at >= 0 && equal(opened.subarray(at), bound) ? opened.slice(0, at) : undefined;
  },
  chunkOpener: async (key) => async (iv, sealed) => {
    if (sealed.length < TAG) return undefined;
    const [body, tag] = [sealed.subarray(0, sealed.length - TAG), sealed.subarray(sealed.length - TAG)];
    try {
      return new Uint8Array(sm4.decrypt(body, key, { mode: "gcm", iv, output: "array", tag }));
    } catch (error) {
      if (error instanceof Error && /tag mismatch/.test(error.message)) return undefined;
      throw error;
    }
  },
};

/**
 * Whether 65 bytes are an uncompressed point of the curve in reduced coordinates.
 * @param {Uint8Array} point
 */
function isPoint(point) {
  if (point.length !== POINT || point[0] !== 4) return false;
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((half) => BigInt(`0x${hex(half)}`));
  return x < P && y < P && (y * y - (x * x * x - 3n * x + B)) % P === 0n;
}
