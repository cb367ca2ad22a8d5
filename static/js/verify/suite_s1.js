// @ts-check
/** Suite S1: HPKE over P-256, chunks under AES-256-GCM, SHA-256, ECDSA. */

import { Aes256Gcm, CipherSuite, DecapError, DeserializeError, DhkemP256HkdfSha256, HkdfSha256, OpenError } from "../../vendor/js/hpke.js";
import { concat, note, Sha256, sha256, unhex, utf8 } from "./bytes.js";
import { demand } from "./problems.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {(nonce: Bytes, sealed: Bytes) => Promise<Bytes | undefined>} OpenChunk undefined when the tag does not hold */
/**
 * @typedef {object} GateKey a published private key with its point
 * @property {Bytes} point
 * @property {CryptoKeyPair} [pair] of S1
 * @property {string} [digits] of S2
 */
/**
 * @typedef {object} Suite
 * @property {string} name
 * @property {string} manifestKind first line of a manifest
 * @property {number} cekSize in bytes
 * @property {Bytes} chunkLabel
 * @property {number} chunkKeySize in bytes
 * @property {(...pieces: Uint8Array[]) => Bytes} digest
 * @property {() => { update(piece: Uint8Array): unknown, digest(): Bytes }} hasher
 * @property {(key: Bytes, message: Bytes) => Promise<Bytes>} mac of the key derivation
 * @property {(point: Bytes, signature: Bytes, message: Bytes) => Promise<boolean>} signatureHolds false also for an
 *   impossible key or signature
 * @property {(digits: string, where: string) => Promise<GateKey>} gateKey of 64 hex digits; Problem "gate.key_form"
 * @property {(key: GateKey, b: string, role: string, wrapped: Bytes) => Promise<Bytes | undefined>} unwrap undefined
 *   when the wrap does not open
 * @property {(key: Bytes) => Promise<OpenChunk>} chunkOpener
 */

const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const PKCS8 = unhex("3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420", "");
const hpke = new CipherSuite({ kem: new DhkemP256HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes256Gcm() });

/** @type {Suite} */
export const S1 = {
  name: "S1",
  manifestKind: "etender-bid/v1",
  cekSize: 64,
  chunkLabel: utf8("c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0"),
  chunkKeySize: 32,
  digest: sha256,
  hasher: () => new Sha256(),
  mac: async (key, message) => {
    const imported = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-512" }, false, ["sign"]);
    return new Uint8Array(await crypto.subtle.sign("HMAC", imported, message));
  },
  signatureHolds,
  gateKey,
  unwrap,
  chunkOpener: async (raw) => {
    const cipher = await crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["decrypt"]);
    return async (iv, sealed) => {
      try {
        return new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv }, cipher, sealed));
      } catch (error) {
        if (error instanceof DOMException) return undefined;
        throw error;
      }
    };
  },
};

/**
 * @param {Bytes} point
 * @param {Bytes} signature
 * @param {Bytes} message
 */
async function signatureHolds(point, signature, message) {
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
 * @param {string} digits
 * @param {string} where
 */
async function gateKey(digits, where) {
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

/**
 * @param {GateKey} key
 * @param {string} b hex
 * @param {string} role
 * @param {Bytes} wrapped
 * @returns {Promise<Bytes | undefined>}
 */
async function unwrap({ pair }, b, role, wrapped) {
  if (wrapped.length <= 65 || !pair) return undefined;
  try {
    const enc = wrapped.slice(0, 65);
    const info = note("etender-wrap/v1", b, role);
    return new Uint8Array(await hpke.open({ recipientKey: pair, enc, info }, wrapped.slice(65)));
  } catch (error) {
    const kinds = [OpenError, DecapError, DeserializeError];
    if (kinds.some((kind) => error instanceof kind)) return undefined;
    throw error;
  }
}
