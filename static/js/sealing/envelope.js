// @ts-check
/** The envelope's three texts: binding (what it is for), header (secrets wrapped and committed), manifest (signed). */

import { concat, fromBase64, randomBytes, toBase64, toHex, utf8 } from "./bytes.js";
import { demand } from "./errors.js";
import { demandKeys, parseStrict } from "./json.js";
import { TOKEN, WORD } from "./keyset.js";
import { note } from "./notes.js";
import { commitment, splitSecret } from "./shares.js";
import { S1 } from "./suite_s1.js";
import { CURVES, suiteNamed } from "./suites.js";
import { wrapInfo } from "./wraps.js";

/** @typedef {Uint8Array<ArrayBuffer>} Bytes */
/** @typedef {import("./keyset.js").Keyset} Keyset */
/** @typedef {import("./suite_s1.js").Suite} Suite */

export const MAX_HEADER_BYTES = 65536;
const MAX_BINDING_BYTES = 16 * 1024;
const HEX64 = /^[0-9a-f]{64}$/;
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/**
 * @typedef {object} Binding
 * @property {1} v
 * @property {string} suite S1 or S2, as in the key set
 * @property {string} tender
 * @property {string} lot
 * @property {string} stage which envelope of the procedure
 * @property {string} bidder
 * @property {string} bid 32 hex digits, kept over revisions
 * @property {number} rev 1 … 9999
 * @property {string} prev envelope hash of the revision replaced, "-" for the first
 * @property {string} keyset hash of the key set
 * @property {{ id: string, name: string }[]} parts
 * @property {string} created the client's own claim of the instant
 *
 * @typedef {object} Header
 * @property {string} binding base64 of the binding bytes
 * @property {{ bidder: string, gate: string, gate_shares: string[], escrow_shares: string[] }} commit
 * @property {{ bidder: string[], gate: string[], escrow: string[] }} wraps
 */

/**
 * A fresh bid id: 16 random bytes in hex.
 * @returns {string}
 */
export function newBidId() {
  return toHex(randomBytes(16));
}

/**
 * Check a binding value.
 * @param {unknown} value
 * @returns {asserts value is Binding}
 */
export function demandBinding(value) {
  const code = "sealing.binding_malformed";
  const keys = ["v", "suite", "tender", "lot", "stage", "bidder", "bid", "rev", "prev", "keyset", "parts", "created"];
  demandKeys(value, keys, code);
  demand(value.v === 1 && Object.hasOwn(CURVES, value.suite), code, { reason: "suite" });
  for (const key of ["tender", "lot", "bidder"]) demand(TOKEN.test(value[key]), code, { reason: key });
  demand(WORD.test(value.stage), code, { reason: "stage" });
  demand(/^[0-9a-f]{32}$/.test(value.bid), code, { reason: "bid" });
  demand(Number.isInteger(value.rev) && value.rev >= 1 && value.rev <= 9999, code, { reason: "rev" });
  demand(value.rev === 1 ? value.prev === "-" : HEX64.test(value.prev), code, { reason: "prev" });
  demand(HEX64.test(value.keyset), code, { reason: "keyset" });
  demand(INSTANT.test(value.created), code, { reason: "created" });
  demand(Array.isArray(value.parts) && value.parts.length >= 1 && value.parts.length <= 16, code, { reason: "parts" });
  for (const part of value.parts) {
    demandKeys(part, ["id", "name"], code);
    const length = typeof part.name === "string" ? [...part.name].length : 0;
    demand(WORD.test(part.id) && length >= 1 && length <= 200, code, { reason: "part" });
  }
  const ids = value.parts.map((/** @type {{ id: string }} */ part) => part.id);
  demand(new Set(ids).size === ids.length, code, { reason: "part_twice" });
}

/**
 * Read a header and the binding inside it. Throws SealingError "sealing.header_malformed" or
 * "sealing.binding_malformed".
 * @param {Bytes} bytes as received
 * @returns {Promise<{ header: Header, binding: Binding, suite: Suite, b: Bytes, hh: Bytes }>}
 */
export async function readHeader(bytes) {
  const code = "sealing.header_malformed";
  const header = parseStrict(bytes, MAX_HEADER_BYTES, code);
  demandKeys(header, ["binding", "commit", "wraps"], code);
  demandKeys(header.commit, ["bidder", "gate", "gate_shares", "escrow_shares"], code);
  demandKeys(header.wraps, ["bidder", "gate", "escrow"], code);
  const { commit, wraps } = header;
  const lists = [commit.gate_shares, commit.escrow_shares, wraps.bidder, wraps.gate, wraps.escrow];
  demand(lists.every((list) => Array.isArray(list) && list.length <= 16), code, { reason: "lists" });
  const hashes = [commit.bidder, commit.gate, ...commit.gate_shares, ...commit.escrow_shares];
  demand(hashes.every((hash) => typeof hash === "string" && HEX64.test(hash)), code, { reason: "commit" });
  demand(wraps.bidder.length >= 1 && wraps.bidder.length <= 3, code, { reason: "wraps" });
  demand(commit.gate_shares.length === wraps.gate.length, code, { reason: "wraps" });
  demand(commit.escrow_shares.length === wraps.escrow.length, code, { reason: "wraps" });
  const bindingBytes = fromBase64(header.binding, code);
  const binding = parseStrict(bindingBytes, MAX_BINDING_BYTES, "sealing.binding_malformed");
  demandBinding(binding);
  const suite = await suiteNamed(binding.suite, "sealing.binding_malformed");
  const shares = /** @type {string[]} */ ([...wraps.gate, ...wraps.escrow]);
  const fits = (/** @type {string} */ item, /** @type {number} */ size) => fromBase64(item, code).length === size;
  const areWhole =
    wraps.bidder.every((/** @type {string} */ item) => fits(item, suite.secretWrapSize)) &&
    shares.every((item) => fits(item, suite.shareWrapSize));
  demand(areWhole, code, { reason: "wrap_size" });
  const [b, hh] = [await suite.digest(bindingBytes), await suite.digest(bytes)];
  return { header: /** @type {any} */ (header), binding, suite, b, hh };
}

/**
 * Make the secrets of a bid, share, commit and wrap them.
 * @param {Binding} binding
 * @param {Keyset} keyset whose hash the binding names
 * @param {readonly string[]} bidderKeys 1 … 3 opening keys of the bidder, 130 hex digits each
 * @returns {Promise<{ header: Bytes, b: Bytes, hh: Bytes, cek: Bytes }>}
 */
export async function makeHeader(binding, keyset, bidderKeys) {
  demandBinding(binding);
  const { suite } = keyset;
  demand(binding.suite === suite.name, "sealing.suite_mismatch");
  demand(binding.keyset === keyset.hash, "sealing.keyset_mismatch");
  demand(binding.tender === keyset.tender, "sealing.tender_mismatch");
  demand(binding.lot === keyset.lot, "sealing.lot_mismatch");
  demand(bidderKeys.length >= 1 && bidderKeys.length <= 3, "sealing.header_malformed", { reason: "wraps" });
  const bindingBytes = utf8(JSON.stringify(binding));
  // Reading back what was written refuses control characters and broken surrogates in the names of files.
  parseStrict(bindingBytes, MAX_BINDING_BYTES, "sealing.binding_malformed");
  const b = await suite.digest(bindingBytes);
  const rBid = randomBytes(32);
  const rGate = randomBytes(32);
  const gate = await shareAmong(suite, b, "gate", rGate, keyset.gate.t, keyset.gate.holders);
  const escrow = await shareAmong(suite, b, "escrow", rBid, keyset.escrow.k, keyset.escrow.holders);
  const own = bidderKeys.map(async (key) => toBase64(await suite.wrap(key, wrapInfo(b, "bidder"), rBid)));
  const header = {
    binding: toBase64(bindingBytes),
    commit: {
      bidder: await commitment(b, "bidder", rBid, suite),
      gate: await commitment(b, "gate", rGate, suite),
      gate_shares: gate.commits,
      escrow_shares: escrow.commits,
    },
    wraps: { bidder: await Promise.all(own), gate: gate.wraps, escrow: escrow.wraps },
  };
  const bytes = utf8(JSON.stringify(header));
  demand(bytes.length <= MAX_HEADER_BYTES, "sealing.header_malformed", { reason: "too_large" });
  return { header: bytes, b, hh: await suite.digest(bytes), cek: await suite.contentKey(b, rBid, rGate) };
}

/**
 * @param {Suite} suite
 * @param {Bytes} b
 * @param {"gate" | "escrow"} role
 * @param {Bytes} secret
 * @param {number} threshold
 * @param {readonly { public_key: string }[]} holders
 */
async function shareAmong(suite, b, role, secret, threshold, holders) {
  if (holders.length === 0) return { commits: [], wraps: [] };
  const shares = await splitSecret(secret, threshold, holders.length);
  const commits = await Promise.all(shares.map((share, i) => commitment(b, `${role}/${i}`, share, suite)));
  const wraps = await Promise.all(
    shares.map(async (share, i) =>
      toBase64(await suite.wrap(holders[i].public_key, wrapInfo(b, `${role}/${i}`), share)),
    ),
  );
  return { commits, wraps };
}

/**
 * What a part's ciphertext is bound to.
 * @param {string} id
 * @param {Bytes} hh digest of the header bytes
 * @returns {Bytes}
 */
export function partContext(id, hh) {
  return concat(utf8(`etender-part/v1\0${id}\0`), hh);
}

/**
 * The text the bidder signs.
 * @param {Bytes} b
 * @param {Bytes} hh
 * @param {Binding} binding
 * @param {readonly { id: string, length: number, root: string }[]} parts in the binding's order
 * @param {Suite} [suite]
 * @returns {Bytes}
 */
export function makeManifest(b, hh, binding, parts, suite = S1) {
  const lines = parts.map((part) => `part ${part.id} ${part.length} ${part.root}`);
  return note(suite.manifestKind, toHex(b), toHex(hh), binding.rev, binding.prev, ...lines);
}
