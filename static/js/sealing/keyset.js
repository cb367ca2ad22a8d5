// @ts-check
/** The key set of a lot: whose keys a bid is sealed to. Canonical JSON, hashed; every holder proves its key. */

import { fromBase64, isSame, toHex, utf8 } from "./bytes.js";
import { demand } from "./errors.js";
import { demandKeys, parseStrict } from "./json.js";
import { note } from "./notes.js";
import { suiteNamed } from "./suites.js";

const CODE = "sealing.keyset_malformed";
const MAX_BYTES = 32 * 1024;
const PUBLIC_KEY = /^04[0-9a-f]{128}$/;

export const TOKEN = /^[A-Za-z0-9._:-]{1,64}$/;
export const WORD = /^[a-z0-9_-]{1,40}$/;

/**
 * @typedef {{ id: string, proof: string, public_key: string, side: string }} Holder
 *
 * @typedef {object} Keyset
 * @property {string} tender
 * @property {string} lot
 * @property {number} number
 * @property {{ holders: Holder[], t: number }} gate
 * @property {{ holders: Holder[], k: number }} escrow
 * @property {import("./suite_s1.js").Suite} suite
 * @property {string} hash hex digest of the canonical bytes
 */

/**
 * Read a key set and verify every holder's proof of possession.
 * Throws SealingError "sealing.keyset_malformed" (with the reason) or "sealing.keyset_mismatch" when the hash differs
 * from the one the tender notice was published with.
 * @param {Uint8Array<ArrayBuffer>} bytes as published
 * @param {string} [expectedHash] hex, from the logged notice
 * @returns {Promise<Keyset>}
 */
export async function readKeyset(bytes, expectedHash) {
  const value = parseStrict(bytes, MAX_BYTES, CODE);
  demandKeys(value, ["escrow", "gate", "lot", "number", "suite", "tender", "v"], CODE);
  demand(value.v === 1, CODE, { reason: "version" });
  const suite = await suiteNamed(value.suite, CODE);
  demand(TOKEN.test(value.tender) && TOKEN.test(value.lot), CODE, { reason: "token" });
  demand(Number.isSafeInteger(value.number) && value.number >= 1, CODE, { reason: "number" });
  demandKeys(value.gate, ["holders", "t"], CODE);
  demandKeys(value.escrow, ["holders", "k"], CODE);
  checkHolders(value.gate.holders, value.gate.t, false);
  checkHolders(value.escrow.holders, value.escrow.k, true);
  demand(isSame(utf8(canonical(value)), bytes), CODE, { reason: "not_canonical" });
  const all = [...value.gate.holders, ...value.escrow.holders];
  for (const field of ["id", "public_key"]) {
    demand(new Set(all.map((holder) => holder[field])).size === all.length, CODE, { reason: "holder_twice" });
  }
  const hash = toHex(await suite.digest(bytes));
  demand(expectedHash === undefined || hash === expectedHash, "sealing.keyset_mismatch");
  const { tender, lot, number, gate, escrow } = value;
  const keyset = /** @type {Keyset} */ ({ tender, lot, number, gate, escrow, suite, hash });
  await verifyProofs(keyset);
  return keyset;
}

/**
 * @param {unknown} holders
 * @param {unknown} threshold
 * @param {boolean} mayBeEmpty
 */
function checkHolders(holders, threshold, mayBeEmpty) {
  demand(Array.isArray(holders) && Number.isSafeInteger(threshold), CODE, { reason: "holders" });
  const count = holders.length;
  const isNone = mayBeEmpty && count === 0 && threshold === 0;
  const isValid = Number(threshold) >= 2 && Number(threshold) <= count && count <= 16;
  demand(isNone || isValid, CODE, { reason: "threshold" });
  for (const holder of holders) {
    demandKeys(holder, ["id", "proof", "public_key", "side"], CODE);
    demand(TOKEN.test(holder.id) && WORD.test(holder.side), CODE, { reason: "holder" });
    demand(PUBLIC_KEY.test(holder.public_key), CODE, { reason: "public_key" });
    demand(fromBase64(holder.proof, CODE).length === 64, CODE, { reason: "proof" });
  }
}

/** @param {Keyset} keyset */
async function verifyProofs(keyset) {
  for (const role of /** @type {const} */ (["gate", "escrow"])) {
    for (const holder of keyset[role].holders) {
      const claim = note("etender-holder/v1", keyset.tender, keyset.lot, role, holder.public_key);
      const isProven = await keyset.suite.isSignedBy(holder.public_key, fromBase64(holder.proof), claim);
      demand(isProven, CODE, { reason: "proof", holder: holder.id });
    }
  }
}

/**
 * @param {any} value
 * @returns {string} JSON with keys sorted and no white space
 */
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.keys(value).sort();
  return `{${members.map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join(",")}}`;
}
