// @ts-check
/**
 * HKDF with SHA-512 (RFC 5869) from HMAC calls. WebCrypto's own HKDF always extracts first and so cannot do the bare
 * expand step that part keys and the chunked payload need.
 */

import { concat } from "./bytes.js";
import { demand } from "./errors.js";

const HASH_SIZE = 64;

/**
 * HMAC-SHA-512.
 * @param {Uint8Array<ArrayBuffer>} key
 * @param {Uint8Array<ArrayBuffer>} message
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
export async function hmacSha512(key, message) {
  const imported = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-512" }, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, message));
}

/**
 * HKDF-Expand: `length` bytes from a key that is already uniform.
 * @param {Uint8Array<ArrayBuffer>} key
 * @param {Uint8Array<ArrayBuffer>} info
 * @param {number} length at most 255 × 64 bytes
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
export async function hkdfExpand(key, info, length) {
  demand(length > 0 && length <= 255 * HASH_SIZE, "sealing.bad_length", { length });
  let block = new Uint8Array(0);
  let output = new Uint8Array(0);
  for (let counter = 1; output.length < length; counter += 1) {
    block = await hmacSha512(key, concat(block, info, Uint8Array.of(counter)));
    output = concat(output, block);
  }
  return output.slice(0, length);
}

/**
 * HKDF, extract then expand.
 * @param {Uint8Array<ArrayBuffer>} material
 * @param {Uint8Array<ArrayBuffer>} salt
 * @param {Uint8Array<ArrayBuffer>} info
 * @param {number} length
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
export async function hkdf(material, salt, info, length) {
  return hkdfExpand(await hmacSha512(salt, material), info, length);
}
