// @ts-check
/**
 * What a holder's page demands to see before it gives anything up: the same rules as a standing agent's
 * (keyholding/evidence.py). Every rule rests on public entries of the log, each with a proof under a policy the holder
 * pinned: the log's key *and* independent cosigners. What a server merely says is never enough.
 */

import { fromBase64, isSame, sha256, textOf, toHex, utf8 } from "../sealing/bytes.js";
import { readHeader } from "../sealing/envelope.js";
import { demand, SealingError } from "../sealing/errors.js";
import { parseProof } from "../sealing/inclusion.js";
import { importPair } from "../sealing/keys.js";
import { readKeyset } from "../sealing/keyset.js";
import { leafHash, verifyInclusion } from "../sealing/merkle.js";
import { commitment } from "../sealing/shares.js";
import { wrapInfo } from "../sealing/wraps.js";
import { canonical, isObject, readJson } from "../verify/json.js";
import { Problem } from "../verify/problems.js";
import { readHead, readTrust } from "../verify/signed.js";

/** @typedef {Uint8Array<ArrayBuffer>} Bytes */
/** @typedef {import("../verify/signed.js").Trust} Trust */
/** @typedef {import("../sealing/keys.js").KeyFile} KeyFile */
/** @typedef {{ lotId: string, tender: string, lotCode: string }} LotNames which lot a key was made for */
/** @typedef {{ entry: Bytes, proof: string, data?: any }} ShownEntry what the server shows */
/** @typedef {{ data: any, index: number, at: number | null, cosigners: string[] }} Fact an event that is in the log */

const PUBLIC_PREFIX = "etender/v1 p ";
const MAX_ENTRY_BYTES = 65_535;
const REHEARSAL = "rehearsal";
const WINDOW_CLOSED = "bid_opening.window_closed";
const BIDS_FROZEN = "bid_opening.bids_frozen";
const LIST_PUBLISHED = "bid_opening.list_published";
const WINDOW_ENDED = "bid_opening.window_ended";
const LOT_PUBLISHED = "tendering.lot_published";
const REQUEST_CONFIRMED = "bid_opening.escrow_request_confirmed";

/** The agent's words for what the verifier's code finds. */
const WORDS = /** @type {Record<string, string>} */ ({
  "log.signature": "transparency.bad_signature",
  "log.origin": "transparency.bad_signature",
  "log.quorum": "transparency.quorum_not_met",
});

/**
 * @param {string} reason a machine word, the same as the agent's
 * @returns {SealingError}
 */
export function refused(reason) {
  return new SealingError("keyholding.evidence_refused", { reason });
}

/**
 * The policy to pin. Refused when it would let the log vouch for itself.
 * @param {string} text
 * @returns {Trust}
 */
export function readPolicy(text) {
  let trust;
  try {
    trust = readTrust(utf8(text), "policy.txt");
  } catch (error) {
    if (error instanceof Problem) throw new SealingError("keyholding.policy_refused", { reason: error.code });
    throw error;
  }
  demand(trust.quorum !== "none", "keyholding.policy_refused", { reason: "no_quorum" });
  const own = new Set(trust.logs.map((key) => toHex(key.raw)));
  const isApart = [...trust.cosigners.values()].every((key) => !own.has(toHex(key.raw)));
  demand(isApart, "keyholding.policy_refused", { reason: "cosigner_is_log" });
  return trust;
}

/**
 * The public event of a type that the log holds under a cosigned checkpoint.
 * @param {ShownEntry} shown
 * @param {string} wanted event type
 * @param {Trust} trust
 * @param {number} now POSIX seconds, by this machine's clock
 * @returns {Promise<Fact>}
 */
export async function established(shown, wanted, trust, now) {
  let head, index, body;
  try {
    const proof = parseProof(shown.proof);
    head = await readHead(utf8(proof.checkpoint), trust, now, "checkpoint");
    const leaf = await leafHash(shown.entry);
    await verifyInclusion({ leaf, index: proof.index, size: head.size, path: proof.path, root: head.root });
    index = proof.index;
    body = bodyOf(shown.entry);
  } catch (error) {
    if (error instanceof Problem) throw refused(WORDS[error.code] ?? "transparency.malformed");
    if (error instanceof SealingError) throw refused(error.code);
    throw error;
  }
  if (head.cosigners.length === 0) throw refused("not_cosigned");
  if (body.type !== wanted) throw refused("other_event");
  return { data: await dataOf(body, shown.data), index, at: head.at, cosigners: head.cosigners };
}

/** @param {Bytes} entry */
function bodyOf(entry) {
  const text = textOf(entry);
  if (entry.length > MAX_ENTRY_BYTES || !text.startsWith(PUBLIC_PREFIX)) throw refused("other_event");
  return readJson(utf8(text.slice(PUBLIC_PREFIX.length)), "entry");
}

/**
 * An event too long for a leaf stands there as the hash of its canonical JSON; its text comes apart.
 * @param {any} body
 * @param {any} apart
 */
async function dataOf(body, apart) {
  if (isObject(body.data)) return body.data;
  const isSameData = isObject(apart) && toHex(await sha256(utf8(canonical(apart)))) === body.data_sha256;
  if (!isSameData) throw refused("no_data");
  return apart;
}

/**
 * The window of exactly this lot is closed for good: nothing else lets a gate key go.
 * @param {ShownEntry} shown
 * @param {LotNames} lot
 * @param {Trust} trust
 * @param {number} now
 * @returns {Promise<Fact>}
 */
export async function permitGateRelease(shown, lot, trust, now) {
  const fact = await established(shown, WINDOW_CLOSED, trust, now);
  const { data } = fact;
  const isOwn = data.lot === lot.lotId && data.tender === lot.tender && data.lot_code === lot.lotCode;
  if (!isOwn) throw refused("other_lot");
  return fact;
}

/**
 * @typedef {object} MissingEntries
 * @property {ShownEntry} published
 * @property {ShownEntry} frozen
 * @property {ShownEntry} listed
 * @property {ShownEntry} ended
 * @property {ShownEntry[]} requests confirmed requests, where the tender document has escrow on request
 *
 * @typedef {object} FrozenSet
 * @property {Map<string, { rev: number, envelopeHash: string }>} frozen by bid
 * @property {Set<string>} missing
 * @property {Set<string>} permitted missing bids that the lot's escrow rule lets custodians open
 * @property {Bytes} entry the frozen list as logged; one is accepted for a lot, ever
 * @property {Fact} ended
 */

/**
 * What was frozen and is missing after the window, and what custodians may open. The escrow rule must have been logged
 * before the freeze: whoever changes it afterwards, knowing what is missing, changes nothing.
 * @param {MissingEntries} shown
 * @param {LotNames} lot
 * @param {Trust} trust
 * @param {number} now
 * @returns {Promise<FrozenSet>}
 */
export async function establishMissing(shown, lot, trust, now) {
  const published = await established(shown.published, LOT_PUBLISHED, trust, now);
  const frozen = await established(shown.frozen, BIDS_FROZEN, trust, now);
  const listed = await established(shown.listed, LIST_PUBLISHED, trust, now);
  const ended = await established(shown.ended, WINDOW_ENDED, trust, now);
  if ([published, frozen, listed, ended].some(({ data }) => data.lot !== lot.lotId)) throw refused("other_lot");
  if (!(published.index < frozen.index && frozen.index < ended.index)) throw refused("order");
  const bids = rowsOf(frozen.data.bids, ["bid", "rev", "envelope_hash"]);
  const seats = new Map(rowsOf(listed.data.bidders, ["seat", "bid"]).map((row) => [row.seat, String(row.bid)]));
  const numbers = ended.data.missing;
  const isWhole = Array.isArray(numbers) && numbers.every((number) => seats.has(number));
  if (!isWhole) throw refused("form");
  const missing = new Set(numbers.map((/** @type {number} */ number) => String(seats.get(number))));
  const rule = published.data.escrow_rule;
  if (rule !== "compulsory" && rule !== "on_request") throw refused("escrow_rule");
  const asked = rule === "on_request" ? await requested(shown.requests, frozen, lot, trust, now) : missing;
  return {
    frozen: new Map(bids.map((one) => [String(one.bid), { rev: one.rev, envelopeHash: one.envelope_hash }])),
    missing,
    permitted: new Set([...missing].filter((bid) => asked.has(bid))),
    entry: shown.frozen.entry,
    ended,
  };
}

/**
 * @param {unknown} rows
 * @param {string[]} keys
 * @returns {any[]}
 */
function rowsOf(rows, keys) {
  const isList = Array.isArray(rows) && rows.every((row) => isObject(row) && keys.every((key) => Object.hasOwn(row, key)));
  if (!isList) throw refused("form");
  return /** @type {any[]} */ (rows);
}

/**
 * Bids whose bidder asked and whose request the duty officer confirmed, as logged after the freeze.
 * @param {ShownEntry[]} shown
 * @param {Fact} frozen
 * @param {LotNames} lot
 * @param {Trust} trust
 * @param {number} now
 */
async function requested(shown, frozen, lot, trust, now) {
  const found = new Set();
  for (const one of shown) {
    const fact = await established(one, REQUEST_CONFIRMED, trust, now);
    if (fact.data.lot !== lot.lotId) throw refused("other_lot");
    if (!(frozen.index < fact.index)) throw refused("order");
    found.add(String(fact.data.bid));
  }
  return found;
}

/**
 * @typedef {object} WrapPlace where this holder's wrap stands
 * @property {LotNames} lot
 * @property {string} keysetJson
 * @property {"gate" | "escrow"} role
 * @property {number} index
 * @property {KeyFile} file the holder's key
 */

/**
 * The custodian's share of one bid, once the log shows that this very envelope is frozen, missing and permitted.
 * Throws "keyholding.evidence_refused"; "sealing.bad_share" when the bidder wrapped nothing usable.
 * @param {string} bid
 * @param {Bytes} headerBytes
 * @param {Bytes} manifest
 * @param {FrozenSet} facts
 * @param {WrapPlace} place
 * @returns {Promise<Bytes>} 33 bytes
 */
export async function escrowShareOf(bid, headerBytes, manifest, facts, place) {
  const fixed = facts.frozen.get(bid);
  if (!fixed || !facts.missing.has(bid)) throw refused("bid_not_missing");
  if (!facts.permitted.has(bid)) throw refused("not_requested");
  const { read, keyset } = await sealedFor(headerBytes, place);
  const { binding, suite, b, hh } = read;
  if (binding.bid !== bid || binding.rev !== fixed.rev) throw refused("other_bid");
  const [kind, ownBinding, ownHeader, rev] = textOf(manifest).split("\n");
  const isOfManifest = kind === suite.manifestKind && ownBinding === toHex(b) && ownHeader === toHex(hh);
  if (!isOfManifest || rev !== String(binding.rev)) throw refused("sealing.bad_header");
  if (toHex(await suite.digest(manifest)) !== fixed.envelopeHash) throw refused("other_envelope");
  return unwrapped(read, keyset, place);
}

/**
 * A holder's share of a dummy. Refused is anything that could be a bid: a dummy says in what its wraps are bound to that
 * it is none.
 * @param {Bytes} headerBytes
 * @param {WrapPlace} place
 * @returns {Promise<Bytes>}
 */
export async function rehearsalShareOf(headerBytes, place) {
  const { binding } = await headerOf(headerBytes);
  const isDummy = binding.stage === REHEARSAL && binding.bidder === REHEARSAL;
  if (!isDummy || binding.parts.length !== 1 || binding.parts[0].id !== REHEARSAL) throw refused("not_a_dummy");
  const { read, keyset } = await sealedFor(headerBytes, place);
  return unwrapped(read, keyset, place);
}

/** @param {Bytes} bytes */
async function headerOf(bytes) {
  try {
    return await readHeader(bytes);
  } catch (error) {
    if (error instanceof SealingError) throw refused(error.code);
    throw error;
  }
}

/**
 * @param {Bytes} headerBytes
 * @param {WrapPlace} place
 */
async function sealedFor(headerBytes, { lot, keysetJson }) {
  const read = await headerOf(headerBytes);
  let keyset;
  try {
    keyset = await readKeyset(utf8(keysetJson));
  } catch (error) {
    if (error instanceof SealingError) throw refused(error.code);
    throw error;
  }
  if (read.binding.keyset !== keyset.hash) throw refused("other_keyset");
  const isOwn = [keyset, read.binding].every((one) => one.tender === lot.tender && one.lot === lot.lotCode);
  if (!isOwn) throw refused("other_lot");
  return { read, keyset };
}

/**
 * @param {Awaited<ReturnType<typeof readHeader>>} read
 * @param {import("../sealing/keyset.js").Keyset} keyset
 * @param {WrapPlace} place
 */
async function unwrapped({ header, suite, b }, keyset, { role, index, file }) {
  const holder = keyset[role].holders[index];
  const isThere = Number.isInteger(index) && holder !== undefined && header.wraps[role][index] !== undefined;
  if (!isThere) throw refused("no_such_seat");
  demand(holder.public_key === file.public_key, "sealing.wrong_key", { role });
  const name = `${role}/${index}`;
  const share = await suite.unwrap(await importPair(file), wrapInfo(b, name), fromBase64(header.wraps[role][index]));
  demand(share !== undefined, "sealing.bad_share", { role: name, culprit: "bidder", reason: "wrap" });
  const committed = header.commit[role === "gate" ? "gate_shares" : "escrow_shares"][index];
  const isCommitted = isSame(utf8(await commitment(b, name, share, suite)), utf8(committed));
  demand(isCommitted, "sealing.bad_share", { role: name, culprit: "bidder", reason: "commitment" });
  return share;
}
