// @ts-check
/** Wraps: HPKE base mode, DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-256-GCM; `info` holds all a wrap is bound to. */

import {
  Aes256Gcm,
  CipherSuite,
  DecapError,
  DeserializeError,
  DhkemP256HkdfSha256,
  HkdfSha256,
  OpenError,
} from "../../vendor/js/hpke.js";
import { concat, fromHex, toHex } from "./bytes.js";
import { demand, SealingError } from "./errors.js";
import { note } from "./notes.js";

const ENC_SIZE = 65;

/** @typedef {Uint8Array<ArrayBuffer>} Bytes */

const suite = () =>
  new CipherSuite({ kem: new DhkemP256HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes256Gcm() });

/**
 * What a wrap is bound to.
 * @param {Bytes} b digest of the binding bytes
 * @param {string} role bidder | gate/i | escrow/i
 * @returns {Bytes}
 */
export function wrapInfo(b, role) {
  return note("etender-wrap/v1", toHex(b), role);
}

/**
 * Import a P-256 public key for wrapping.
 * @param {string} publicKey 130 hex digits, SEC1 uncompressed
 * @returns {Promise<CryptoKey>}
 */
export async function importOpeningKey(publicKey) {
  const point = fromHex(publicKey);
  demand(point.length === ENC_SIZE && point[0] === 4, "sealing.cannot_seal", { reason: "public_key" });
  try {
    return await crypto.subtle.importKey("raw", point, { name: "ECDH", namedCurve: "P-256" }, true, []);
  } catch (error) {
    if (error instanceof DOMException) throw new SealingError("sealing.cannot_seal", { reason: "public_key" });
    throw error;
  }
}

/**
 * HPKE.Seal of a secret for one holder: enc ‖ ciphertext.
 * @param {string} publicKey 130 hex digits
 * @param {Bytes} info
 * @param {Bytes} secret
 * @returns {Promise<Bytes>}
 */
export async function wrap(publicKey, info, secret) {
  const recipientPublicKey = await importOpeningKey(publicKey);
  const { enc, ct } = await suite().seal({ recipientPublicKey, info }, secret);
  return concat(new Uint8Array(enc), new Uint8Array(ct));
}

/**
 * HPKE.Open of a wrap. The pair may be non-extractable. Undefined when this key and info do not open it.
 * @param {CryptoKeyPair} pair ECDH P-256
 * @param {Bytes} info
 * @param {Bytes} wrapped
 * @returns {Promise<Bytes | undefined>}
 */
export async function unwrap(pair, info, wrapped) {
  if (wrapped.length <= ENC_SIZE) return undefined;
  const enc = wrapped.slice(0, ENC_SIZE);
  try {
    const opened = await suite().open({ recipientKey: pair, enc, info }, wrapped.slice(ENC_SIZE));
    return new Uint8Array(opened);
  } catch (error) {
    // The library reports a wrong key, wrong info and damaged bytes alike, by errors of its own.
    const kinds = [OpenError, DecapError, DeserializeError];
    if (kinds.some((kind) => error instanceof kind)) return undefined;
    throw error;
  }
}
