// @ts-check
/**
 * Suite S2 (国密): SM2, SM3 and SM4-GCM from sm-crypto-v2. Slower than S1 by an order of magnitude, hence the limit; an
 * SM2 private key is bytes that scripts of this page can read, because WebCrypto knows no SM2.
 */

import * as vendored from "../../vendor/js/sm.js";
import { concat, fromHex, isSame, toHex, utf8 } from "./bytes.js";
import { decryptChunked, ChunkedEncryptor } from "./chunked.js";
import { demand, SealingError } from "./errors.js";
import { note } from "./notes.js";

/** @typedef {Uint8Array<ArrayBuffer>} Bytes */
/** @typedef {import("./keys.js").PrivateJwk} PrivateJwk */
/** @typedef {import("./keys.js").KeyFile} KeyFile */
/** @typedef {{ curve: "SM2", privateKey: Bytes, publicKey: string }} Sm2Pair */

const { sm2, sm3, sm4 } = /** @type {typeof import("sm-crypto-v2")} */ (/** @type {unknown} */ (vendored));

/** Sealing more in a tab would keep a bidder waiting for minutes: the command line takes it at full speed. */
export const MAX_SEALED_BYTES = 64 * 2 ** 20;

const CODE = "sealing.key_file_malformed";
const USER_ID = "1234567812345678";
const C1_C3_C2 = 1;
const HASH_SIZE = 32;
const HMAC_BLOCK = 64;
const POINT_SIZE = 65;
const ORDER = 0xfffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123n;
const PRIME = 0xfffffffeffffffffffffffffffffffffffffffff00000000ffffffffffffffffn;
const B = 0x28e9fa9e9d9f5e344d5a9e4bcf6509a7f39789f515ab8f92ddbcbd414d940e93n;

/** @param {Bytes} bytes */
const digest = (bytes) => fromHex(sm3(bytes));

/**
 * HMAC-SM3.
 * @param {Bytes} key
 * @param {Bytes} message
 */
export function hmacSm3(key, message) {
  const block = new Uint8Array(HMAC_BLOCK);
  block.set(key.length > HMAC_BLOCK ? digest(key) : key);
  const inner = digest(concat(block.map((byte) => byte ^ 0x36), message));
  return digest(concat(block.map((byte) => byte ^ 0x5c), inner));
}

/**
 * HKDF-Expand-SM3.
 * @param {Bytes} key
 * @param {Bytes} info
 * @param {number} length
 */
export function expandSm3(key, info, length) {
  demand(length > 0 && length <= 255 * HASH_SIZE, "sealing.bad_length", { length });
  let block = new Uint8Array(0);
  let output = new Uint8Array(0);
  for (let counter = 1; output.length < length; counter += 1) {
    block = hmacSm3(key, concat(block, info, Uint8Array.of(counter)));
    output = concat(output, block);
  }
  return output.slice(0, length);
}

/** @type {import("./chunked.js").ChunkCipher} */
export const SM4_GCM = {
  label: utf8("c2sp.org/chunked-encryption@v1+AEAD_SM4_GCM\0"),
  keySize: 16,
  expand: async (key, info, length) => expandSm3(key, info, length),
  open: async (key) => ({
    seal: async (nonce, chunk) => {
      const { output, tag } = sm4.encrypt(chunk, key, { mode: "gcm", iv: nonce, output: "array", outputTag: true });
      return concat(output, /** @type {Uint8Array} */ (tag));
    },
    open: async (nonce, sealed) => {
      const tag = sealed.subarray(sealed.length - 16);
      try {
        const body = sealed.subarray(0, sealed.length - 16);
        return new Uint8Array(sm4.decrypt(body, key, { mode: "gcm", iv: nonce, output: "array", tag }));
      } catch (error) {
        if (error instanceof Error && /tag mismatch/.test(error.message)) return undefined;
        throw error;
      }
    },
  }),
};

/** @type {import("./suite_s1.js").Suite} */
export const S2 = {
  name: "S2",
  curve: "SM2",
  manifestKind: "etender-bid/v1+S2",
  isSha256: false,
  secretWrapSize: 161,
  shareWrapSize: 162,
  maxSealedBytes: MAX_SEALED_BYTES,
  digest: async (bytes) => digest(bytes),
  h: async (...lines) => sm3(note(...lines)),
  contentKey: async (b, rBid, rGate) => expandSm3(hmacSm3(b, concat(rBid, rGate)), utf8("etender-cek/v1"), 32),
  partKey: async (cek, id) => expandSm3(cek, utf8(`etender-part-key/v1\0${id}`), 32),
  wrap: async (publicKey, info, secret) => {
    demand(isPoint(publicKey), "sealing.cannot_seal", { reason: "public_key" });
    // The library writes C1 without its 04.
    return fromHex("04" + sm2.doEncrypt(concat(secret, digest(info)), publicKey, C1_C3_C2));
  },
  unwrap: async (pair, info, wrapped) => (pair.curve === "SM2" ? unwrap(pair, info, wrapped) : undefined),
  sign: async (privateKey, message) =>
    fromHex(sm2.doSignature(message, toHex(privateKey), { hash: true, userId: USER_ID })),
  isSignedBy: async (publicKey, signature, message) => isSigned(publicKey, signature, message),
  encryptor: (key, context) => ChunkedEncryptor.create(key, context, SM4_GCM),
  decrypt: (key, context, sealed) => decryptChunked(key, context, sealed, SM4_GCM),
  generate: async () => {
    const { privateKey, publicKey } = sm2.generateKeyPairHex();
    return { private_key: jwkOf(privateKey, publicKey), public_key: publicKey };
  },
  importPair: async (file) =>
    /** @type {Sm2Pair} */ ({ curve: "SM2", privateKey: fromUrl64(file.private_key.d), publicKey: file.public_key }),
  publicKeyOf: async (jwk) => publicKeyOf(jwk),
};

/**
 * @param {Sm2Pair} pair
 * @param {Bytes} info
 * @param {Bytes} wrapped
 * @returns {Bytes | undefined}
 */
function unwrap(pair, info, wrapped) {
  const isWhole = wrapped.length > POINT_SIZE + 2 * HASH_SIZE && isPoint(toHex(wrapped.subarray(0, POINT_SIZE)));
  if (!isWhole) return undefined;
  const opened = new Uint8Array(
    sm2.doDecrypt(toHex(wrapped.subarray(1)), toHex(pair.privateKey), C1_C3_C2, { output: "array" }),
  );
  // The library answers a wrong key with nothing; the digest behind the secret says what the wrap is bound to.
  if (opened.length <= HASH_SIZE) return undefined;
  const secret = opened.slice(0, opened.length - HASH_SIZE);
  return isSame(opened.subarray(secret.length), digest(info)) ? secret : undefined;
}

/**
 * @param {string} publicKey
 * @param {Bytes} signature
 * @param {Bytes} message
 */
function isSigned(publicKey, signature, message) {
  if (signature.length !== 64 || !isPoint(publicKey)) return false;
  const text = toHex(signature);
  // The library does not look whether r and s are in range.
  const isInRange = [text.slice(0, 64), text.slice(64)].map((half) => BigInt(`0x${half}`)).every((n) => n > 0n && n < ORDER);
  return isInRange && sm2.doVerifySignature(message, text, publicKey, { hash: true, userId: USER_ID });
}

/**
 * Whether a text is an uncompressed point of the curve in reduced coordinates.
 * @param {string} publicKey
 */
function isPoint(publicKey) {
  if (!/^04[0-9a-f]{128}$/.test(publicKey)) return false;
  const [x, y] = [publicKey.slice(2, 66), publicKey.slice(66)].map((half) => BigInt(`0x${half}`));
  return x < PRIME && y < PRIME && (y * y - (x * x * x - 3n * x + B)) % PRIME === 0n;
}

/**
 * @param {string} privateKey 64 hex digits
 * @param {string} publicKey 130 hex digits
 * @returns {PrivateJwk}
 */
function jwkOf(privateKey, publicKey) {
  const url = (/** @type {string} */ hex) =>
    btoa(String.fromCharCode(...fromHex(hex))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  return { kty: "EC", crv: "SM2", x: url(publicKey.slice(2, 66)), y: url(publicKey.slice(66)), d: url(privateKey) };
}

/** @param {string} text base64url of 32 bytes */
function fromUrl64(text) {
  const raw = atob(text.replaceAll("-", "+").replaceAll("_", "/") + "=");
  return Uint8Array.from(raw, (character) => character.charCodeAt(0));
}

/**
 * @param {PrivateJwk} jwk
 * @returns {string} 130 hex digits
 */
function publicKeyOf(jwk) {
  const scalar = toHex(fromUrl64(jwk.d));
  const number = BigInt(`0x${scalar}`);
  if (number < 1n || number >= ORDER - 1n) throw new SealingError(CODE, { reason: "private_key" });
  const publicKey = sm2.getPublicKeyFromPrivateKey(scalar);
  const { x, y } = jwkOf(scalar, publicKey);
  demand(x === jwk.x && y === jwk.y, CODE, { reason: "key_mismatch" });
  return publicKey;
}
