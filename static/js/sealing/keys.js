// @ts-check
/**
 * A bidder's keys: made extractable once, written to a backup file, read back from it, and only then kept in the
 * browser as non-extractable keys. The backup is an `age` file with a passphrase: any age tool opens it without this
 * product.
 */

import { Decrypter, Encrypter } from "../../vendor/js/age.js";
import { isSame, utf8 } from "./bytes.js";
import { demand, SealingError } from "./errors.js";
import { demandKeys, parseStrict } from "./json.js";
import { TOKEN } from "./keyset.js";
import { S1 } from "./suite_s1.js";
import { CURVES, suiteOfCurve } from "./suites.js";

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
 * @typedef {KeyScope & { created: string, publicKey: string, suite?: string, pair: any }} KeptKey without
 *   `suite` it is S1
 */

/**
 * Make a fresh key as the content of its backup file. The value holds the private key: back it up, then drop it.
 * @param {KeyScope} scope
 * @param {string} created instant, `2026-11-25T01:30:00.000Z`
 * @param {import("./suite_s1.js").Suite} [suite]
 * @returns {Promise<KeyFile>}
 */
export async function generateKey(scope, created, suite = S1) {
  const { for: use, tender, lot, owner } = scope;
  return { v: 1, for: use, tender, lot, owner, created, ...(await suite.generate()) };
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
  const suite = await suiteOfCurve(file.private_key.crv, CODE);
  demand((await suite.publicKeyOf(file.private_key)) === file.public_key, CODE, { reason: "key_mismatch" });
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
 * The key of a backup as its suite uses it: for S1 a non-extractable WebCrypto pair.
 * @param {KeyFile} file
 * @returns {Promise<any>}
 */
export async function importPair(file) {
  return (await suiteOfCurve(file.private_key.crv, CODE)).importPair(file);
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
  demand(kty === "EC" && Object.values(CURVES).includes(crv), CODE, { reason: "private_key" });
  demand([x, y, d].every((text) => /^[A-Za-z0-9_-]{43}$/.test(text)), CODE, { reason: "private_key" });
  demand(/^04[0-9a-f]{128}$/.test(file.public_key), CODE, { reason: "public_key" });
}

/** @param {Bytes} bytes */
function isScryptAgeFile(bytes) {
  const start = utf8("age-encryption.org/v1\n-> scrypt ");
  return isSame(bytes.subarray(0, start.length), start);
}
