// @ts-check
/** Suite S1: HPKE over P-256, Cobblestone-256, SHA-256, ECDSA P-256, all from WebCrypto. The default. */

import { concat, fromHex, sha256, toHex, utf8 } from "./bytes.js";
import { decryptChunked, ChunkedEncryptor } from "./chunked.js";
import { demand, SealingError } from "./errors.js";
import { hkdf, hkdfExpand } from "./hkdf.js";
import { note } from "./notes.js";
import { isSignedBy, sign } from "./signatures.js";
import { unwrap, wrap } from "./wraps.js";

const CODE = "sealing.key_file_malformed";

/** @typedef {Uint8Array<ArrayBuffer>} Bytes */
/** @typedef {import("./keys.js").PrivateJwk} PrivateJwk */
/** @typedef {import("./keys.js").KeyFile} KeyFile */

/**
 * One set of algorithms, chosen once a tender by its key set. Whoever holds one never asks for its name.
 * @typedef {object} Suite
 * @property {string} name as in the key set and the binding
 * @property {string} curve `crv` of a key file's JWK
 * @property {string} manifestKind first line of a manifest
 * @property {boolean} isSha256 whether `digest` is SHA-256
 * @property {number} secretWrapSize bytes
 * @property {number} shareWrapSize bytes
 * @property {number} maxSealedBytes ciphertext that sealing in a browser may make; the command line has no such limit
 * @property {(bytes: Bytes) => Promise<Bytes>} digest 32 bytes
 * @property {(...lines: (string | number)[]) => Promise<string>} h hex digest of a note
 * @property {(b: Bytes, rBid: Bytes, rGate: Bytes) => Promise<Bytes>} contentKey
 * @property {(cek: Bytes, id: string) => Promise<Bytes>} partKey 32 bytes
 * @property {(publicKey: string, info: Bytes, secret: Bytes) => Promise<Bytes>} wrap
 * @property {(pair: any, info: Bytes, wrapped: Bytes) => Promise<Bytes | undefined>} unwrap undefined when it does not open
 * @property {(privateKey: any, message: Bytes) => Promise<Bytes>} sign 64 bytes
 * @property {(publicKey: string, signature: Bytes, message: Bytes) => Promise<boolean>} isSignedBy
 * @property {(key: Bytes, context: Bytes) => Promise<ChunkedEncryptor>} encryptor
 * @property {(key: Bytes, context: Bytes, sealed: Bytes) => Promise<Bytes>} decrypt a whole part
 * @property {() => Promise<{ private_key: PrivateJwk, public_key: string }>} generate
 * @property {(file: KeyFile) => Promise<any>} importPair what `unwrap` takes, and whose `privateKey` `sign` takes
 * @property {(jwk: PrivateJwk) => Promise<string>} publicKeyOf 130 hex digits
 */

/** @type {Suite} */
export const S1 = {
  name: "S1",
  curve: "P-256",
  manifestKind: "etender-bid/v1",
  isSha256: true,
  secretWrapSize: 113,
  shareWrapSize: 114,
  maxSealedBytes: Infinity,
  digest: sha256,
  h: async (...lines) => toHex(await sha256(note(...lines))),
  contentKey: (b, rBid, rGate) => hkdf(concat(rBid, rGate), b, utf8("etender-cek/v1"), 64),
  partKey: (cek, id) => hkdfExpand(cek, utf8(`etender-part-key/v1\0${id}`), 32),
  wrap,
  unwrap: async (pair, info, wrapped) =>
    pair.privateKey instanceof CryptoKey ? unwrap(pair, info, wrapped) : undefined,
  sign,
  isSignedBy,
  encryptor: (key, context) => ChunkedEncryptor.create(key, context),
  decrypt: (key, context, sealed) => decryptChunked(key, context, sealed),
  generate,
  importPair,
  publicKeyOf,
};

async function generate() {
  const pair = await crypto.subtle.generateKey({ name: "ECDH", namedCurve: "P-256" }, true, ["deriveBits"]);
  const { kty, crv, x, y, d } = await crypto.subtle.exportKey("jwk", pair.privateKey);
  const point = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
  return { private_key: /** @type {PrivateJwk} */ ({ kty, crv, x, y, d }), public_key: toHex(point) };
}

/**
 * A non-extractable WebCrypto pair: ECDSA for signing, ECDH for the other uses.
 * @param {KeyFile} file
 * @returns {Promise<CryptoKeyPair>}
 */
async function importPair(file) {
  const isSigning = file.for === "signing";
  const algorithm = { name: isSigning ? "ECDSA" : "ECDH", namedCurve: "P-256" };
  /** @type {KeyUsage[]} */
  const uses = isSigning ? ["sign"] : ["deriveBits"];
  /** @type {KeyUsage[]} */
  const publicUses = isSigning ? ["verify"] : [];
  try {
    const point = fromHex(file.public_key);
    return {
      privateKey: await crypto.subtle.importKey("jwk", file.private_key, algorithm, false, uses),
      publicKey: await crypto.subtle.importKey("raw", point, algorithm, true, publicUses),
    };
  } catch (error) {
    if (error instanceof DOMException) throw new SealingError(CODE, { reason: "private_key" });
    throw error;
  }
}

/**
 * Public key belonging to a private JWK. Signing and verifying shows it: WebCrypto does not compare d with x and y
 * in every browser.
 * @param {PrivateJwk} jwk
 */
async function publicKeyOf(jwk) {
  const curve = { name: "ECDSA", namedCurve: "P-256" };
  const algorithm = { name: "ECDSA", hash: "SHA-256" };
  const { kty, crv, x, y } = jwk;
  try {
    const privateKey = await crypto.subtle.importKey("jwk", jwk, curve, false, ["sign"]);
    const publicKey = await crypto.subtle.importKey("jwk", { kty, crv, x, y }, curve, true, ["verify"]);
    const probe = utf8("etender-key-check/v1\n");
    const signature = await crypto.subtle.sign(algorithm, privateKey, probe);
    demand(await crypto.subtle.verify(algorithm, publicKey, signature, probe), CODE, { reason: "key_mismatch" });
    return toHex(new Uint8Array(await crypto.subtle.exportKey("raw", publicKey)));
  } catch (error) {
    if (error instanceof DOMException) throw new SealingError(CODE, { reason: "private_key" });
    throw error;
  }
}
