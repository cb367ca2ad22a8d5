// @ts-check
/** C2SP signed notes: Ed25519 (type 0x01) and timestamped Ed25519 cosignatures (type 0x04), by pinned keys only. */

import { concat, fromBase64, isSame, sha256, toHex, utf8 } from "./bytes.js";
import { demand } from "./errors.js";

const MALFORMED = "transparency.malformed";
const BAD_SIGNATURE = "transparency.bad_signature";
const MAX_NOTE_BYTES = 1 << 16;
const MAX_SIGNATURES = 64;
const NOTE = 0x01;
const COSIGNATURE = 0x04;

/** @typedef {Uint8Array<ArrayBuffer>} Bytes */
/** @typedef {{ name: string, id: Bytes, type: number, publicKey: Bytes }} VerifierKey */
/** @typedef {{ name: string, id: Bytes, signature: Bytes }} NoteSignature */

/**
 * Read a verifier key, `name+hex id+base64(type ‖ key)`.
 * @param {string} vkey
 * @returns {Promise<VerifierKey>}
 */
export async function readVerifierKey(vkey) {
  const [, name = "", id = "", encoded = ""] = /^([^+\s]+)\+([0-9a-f]{8})\+(\S+)$/.exec(vkey) ?? [];
  const material = fromBase64(encoded, MALFORMED);
  demand(material.length === 33 && [NOTE, COSIGNATURE].includes(material[0]), MALFORMED, { reason: "key" });
  const computed = (await sha256(concat(utf8(`${name}\n`), material))).slice(0, 4);
  demand(toHex(computed) === id, MALFORMED, { reason: "key_id" });
  return { name, id: computed, type: material[0], publicKey: material.slice(1) };
}

/**
 * Split a note into its text and signature lines, checking the form only.
 * @param {string} raw
 * @returns {{ text: string, signatures: NoteSignature[] }}
 */
export function parseNote(raw) {
  demand(utf8(raw).length <= MAX_NOTE_BYTES, MALFORMED, { reason: "too_large" });
  demand(!/[\u0000-\u0009\u000b-\u001f]/.test(raw), MALFORMED, { reason: "characters" });
  const split = raw.lastIndexOf("\n\n");
  demand(split > 0 && raw.endsWith("\n"), MALFORMED, { reason: "form" });
  const lines = raw.slice(split + 2, -1).split("\n");
  demand(lines.length <= MAX_SIGNATURES, MALFORMED, { reason: "too_many_signatures" });
  const signatures = lines.map((line) => {
    const [, name = "", encoded = ""] = /^\u2014 ([^\s+]+) (\S+)$/u.exec(line) ?? [];
    const value = fromBase64(encoded, MALFORMED);
    demand(name !== "" && value.length > 4, MALFORMED, { reason: "signature_line" });
    return { name, id: value.slice(0, 4), signature: value.slice(4) };
  });
  return { text: raw.slice(0, split + 1), signatures };
}

/**
 * Verify a note by one pinned key and give back its text. Signatures of unknown keys are ignored.
 * Throws SealingError "transparency.bad_signature" when the key did not sign, or signed something else.
 * @param {string} raw
 * @param {VerifierKey} key type 0x01
 * @returns {Promise<string>}
 */
export async function openNote(raw, key) {
  const { text, signatures } = parseNote(raw);
  demand(key.type === NOTE, MALFORMED, { reason: "key" });
  const own = signatures.filter((signature) => isBy(signature, key));
  demand(own.length === 1, BAD_SIGNATURE, { signer: key.name });
  demand(await verify(key, own[0].signature, utf8(text)), BAD_SIGNATURE, { signer: key.name });
  return text;
}

/**
 * Instants at which pinned cosigners signed a note, by key. One key counts once, however often it signed; a known key
 * whose signature fails spoils the note.
 * @param {string} raw
 * @param {readonly VerifierKey[]} cosigners type 0x04
 * @returns {Promise<Map<string, number>>} hex public key → POSIX seconds
 */
export async function cosignaturesOf(raw, cosigners) {
  const { text, signatures } = parseNote(raw);
  const seen = new Map();
  for (const key of cosigners) {
    demand(key.type === COSIGNATURE, MALFORMED, { reason: "key" });
    for (const { signature } of signatures.filter((found) => isBy(found, key))) {
      demand(signature.length === 72, MALFORMED, { reason: "cosignature" });
      const at = new DataView(signature.buffer, signature.byteOffset).getBigUint64(0);
      const message = utf8(`cosignature/v1\ntime ${at}\n${text}`);
      demand(await verify(key, signature.slice(8), message), BAD_SIGNATURE, { signer: key.name });
      seen.set(toHex(key.publicKey), Number(at));
    }
  }
  return seen;
}

/**
 * @param {NoteSignature} signature
 * @param {VerifierKey} key
 */
function isBy(signature, key) {
  return signature.name === key.name && isSame(signature.id, key.id);
}

/**
 * @param {VerifierKey} key
 * @param {Bytes} signature
 * @param {Bytes} message
 */
async function verify(key, signature, message) {
  const imported = await crypto.subtle.importKey("raw", key.publicKey, "Ed25519", false, ["verify"]);
  return crypto.subtle.verify("Ed25519", imported, signature, message);
}
