// @ts-check
/** ECDSA P-256 with SHA-256 in IEEE P1363 form (r‖s, 64 bytes): what WebCrypto makes and the sealed bid carries. */

import { fromHex } from "./bytes.js";

const CURVE = { name: "ECDSA", namedCurve: "P-256" };
const ALGORITHM = { name: "ECDSA", hash: "SHA-256" };

/** @typedef {Uint8Array<ArrayBuffer>} Bytes */

/**
 * Sign bytes.
 * @param {CryptoKey} privateKey ECDSA P-256, may be non-extractable
 * @param {Bytes} message
 * @returns {Promise<Bytes>} 64 bytes
 */
export async function sign(privateKey, message) {
  return new Uint8Array(await crypto.subtle.sign(ALGORITHM, privateKey, message));
}

/**
 * Whether a signature is by this key over these bytes; false also for an impossible key.
 * @param {string} publicKey 130 hex digits
 * @param {Bytes} signature
 * @param {Bytes} message
 * @returns {Promise<boolean>}
 */
export async function isSignedBy(publicKey, signature, message) {
  const point = fromHex(publicKey);
  if (point.length !== 65 || point[0] !== 4) return false;
  let key;
  try {
    key = await crypto.subtle.importKey("raw", point, CURVE, false, ["verify"]);
  } catch (error) {
    if (error instanceof DOMException) return false;
    throw error;
  }
  return signature.length === 64 && crypto.subtle.verify(ALGORITHM, key, signature, message);
}
