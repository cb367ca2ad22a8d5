// @ts-check
/**
 * A bidder's keys: made extractable once, written to a backup file, read back from it, and only then kept in the
 * browser as non-extractable keys. The backup is an `age` file with a passphrase: any age tool opens it without this
 * product.
 */

import { Decrypter, Encrypter } from "../../vendor/js/age.js";
import { fromHex, isSame, toHex, utf8 } from "./bytes.js";
import { demand, SealingError } from "./errors.js";
import { demandKeys, parseStrict } from "./json.js";
import { TOKEN } from "./keyset.js";

const CODE = "sealing.key_file_malformed";
const MAX_CONTENT_BYTES = 8 * 1024;
const MAX_FILE_BYTES = 64 * 1024;
export const MIN_PASSPHRASE_LENGTH = 12;

/** @typedef {Uint8Array<ArrayBuffer>} Bytes */
/** @typedef {"opening" | "signing" | "gate" | "escrow"} KeyUse */

/**
 * @typedef {object} KeyScope
 * @property {KeyUse} for opening unwraps, signing signs
 * @property {string} tender token or ""
 * @property {string} lot token or ""
 * @property {string} owner token or ""
 *
 * @typedef {{ kty: string, crv: string, x: string, y: string, d: string }} PrivateJwk
 *
 * @typedef {KeyScope & { v: 1, created: string, private_key: PrivateJwk, public_key: string }} KeyFile
 *
 * @typedef {KeyScope & { created: string, publicKey: string, pair: CryptoKeyPair }} KeptKey
 */

/**
 * Make a fresh key as the content of its backup file. The value holds the private key: back it up, then drop it.
 * @param {KeyScope} scope
 * @param {string} created instant, `2026-11-25T01:30:00.000Z`
 * @returns {Promise<KeyFile>}
 */
export async function generateKey(scope, created) {
  const pair = await crypto.subtle.generateKey({ name: "ECDH", namedCurve: "P-256" }, true, ["deriveBits"]);
  const { kty, crv, x, y, d } = await crypto.subtle.exportKey("jwk", pair.privateKey);
  const point = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
  const private_key = /** @type {PrivateJwk} */ ({ kty, crv, x, y, d });
  const { for: use, tender, lot, owner } = scope;
  return { v: 1, for: use, tender, lot, owner, created, private_key, public_key: toHex(point) };
}

/**
 * The backup file of a key. Takes about 1.5 s (scrypt 2^18): call it in the worker.
 * @param {KeyFile} file
 * @param {string} passphrase at least 12 code points; brought to Unicode NFC so that every keyboard types the same
 * @returns {Promise<Bytes>}
 */
export async function writeBackup(file, passphrase) {
  const normal = passphrase.normalize("NFC");
  const isLongEnough = [...normal].length >= MIN_PASSPHRASE_LENGTH;
  demand(isLongEnough, "sealing.cannot_seal", { reason: "passphrase", least: MIN_PASSPHRASE_LENGTH });
  const encrypter = new Encrypter();
  encrypter.setPassphrase(normal);
  return new Uint8Array(await encrypter.encrypt(utf8(JSON.stringify(file))));
}

/**
 * Open a backup file. Throws SealingError "sealing.wrong_key" (passphrase) or "sealing.key_file_malformed".
 * @param {Bytes} bytes
 * @param {string} passphrase
 * @returns {Promise<KeyFile>}
 */
export async function readBackup(bytes, passphrase) {
  demand(bytes.length <= MAX_FILE_BYTES, CODE, { reason: "too_large" });
  demand(isScryptAgeFile(bytes), CODE, { reason: "not_age" });
  const decrypter = new Decrypter();
  decrypter.addPassphrase(passphrase.normalize("NFC"));
  let content;
  try {
    content = await decrypter.decrypt(bytes);
  } catch (error) {
    const isPassphrase = error instanceof Error && /no identity matched/.test(error.message);
    throw isPassphrase ? new SealingError("sealing.wrong_key") : new SealingError(CODE, { reason: "age" });
  }
  const file = parseStrict(content, MAX_CONTENT_BYTES, CODE);
  demandKeyFile(file);
  demand((await publicKeyOf(file.private_key)) === file.public_key, CODE, { reason: "key_mismatch" });
  return file;
}

/**
 * The re-upload check: the file the bidder saved opens with what the bidder typed, and holds this very key.
 * @param {Bytes} bytes the file as chosen again from the disk
 * @param {string} passphrase typed again
 * @param {string} publicKey 130 hex digits of the key just made
 * @returns {Promise<KeyFile>}
 */
export async function checkBackup(bytes, passphrase, publicKey) {
  const file = await readBackup(bytes, passphrase);
  demand(file.public_key === publicKey, "sealing.backup_of_another_key");
  return file;
}

/**
 * The key of a backup as a non-extractable WebCrypto pair: ECDSA for signing, ECDH for the other uses.
 * @param {KeyFile} file
 * @returns {Promise<CryptoKeyPair>}
 */
export async function importPair(file) {
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
 * @param {unknown} file
 * @returns {asserts file is KeyFile}
 */
function demandKeyFile(file) {
  demandKeys(file, ["v", "for", "tender", "lot", "owner", "created", "private_key", "public_key"], CODE);
  demand(file.v === 1 && ["opening", "signing", "gate", "escrow"].includes(file.for), CODE, { reason: "use" });
  for (const key of ["tender", "lot", "owner"]) {
    demand(file[key] === "" || TOKEN.test(file[key]), CODE, { reason: key });
  }
  demand(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(file.created), CODE, { reason: "created" });
  demandKeys(file.private_key, ["kty", "crv", "x", "y", "d"], CODE);
  const { kty, crv, x, y, d } = file.private_key;
  demand(kty === "EC" && crv === "P-256", CODE, { reason: "private_key" });
  demand([x, y, d].every((text) => /^[A-Za-z0-9_-]{43}$/.test(text)), CODE, { reason: "private_key" });
  demand(/^04[0-9a-f]{128}$/.test(file.public_key), CODE, { reason: "public_key" });
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

/** @param {Bytes} bytes */
function isScryptAgeFile(bytes) {
  const start = utf8("age-encryption.org/v1\n-> scrypt ");
  return isSame(bytes.subarray(0, start.length), start);
}
