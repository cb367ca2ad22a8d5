// @ts-check
/** Key set, binding, header, manifest, price schedule: by form only. */

import { hex, sha256, unbase64, unhex } from "./bytes.js";
import { FORM, instantOf, keysExactly, listIn, numberIn, readCanonical, readJson, splitLines, textIn, textsIn } from "./json.js";
import { demand, Problem } from "./problems.js";
import { knownSuite, suiteNamed, suiteOfManifest } from "./suites.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {import("./json.js").Obj} Obj */
/** @typedef {{ id: string, side: string, point: Bytes, proof: Bytes }} Holder */

const MONEY = /^(0|[1-9][0-9]{0,14})(\.[0-9]{1,2})?$/;
const PREVIOUS = /^(?:-|[0-9a-f]{64})$/;
const MOST = 16;

/**
 * @param {Uint8Array} raw
 * @param {string} where
 */
export function readHolders(raw, where) {
  const value = readCanonical(raw, where);
  keysExactly(value, ["v", "tender", "lot", "suite", "number", "gate", "escrow"], where);
  const gate = keysExactly(value.gate, ["t", "holders"], where);
  const escrow = keysExactly(value.escrow, ["k", "holders"], where);
  const { digest } = knownSuite(textIn(value, "suite", where, FORM.token)) ?? { digest: sha256 };
  const found = {
    tender: textIn(value, "tender", where, FORM.token),
    lot: textIn(value, "lot", where, FORM.token),
    suite: textIn(value, "suite", where, FORM.token),
    gate: group(gate, where),
    gateThreshold: numberIn(gate, "t", where),
    escrow: group(escrow, where),
    escrowThreshold: numberIn(escrow, "k", where),
    hash: hex(digest(raw)),
  };
  const all = [...found.gate, ...found.escrow];
  const ids = new Set(all.map((one) => one.id)).size;
  const points = new Set(all.map((one) => hex(one.point))).size;
  const fits = (/** @type {number} */ needed, /** @type {Holder[]} */ held) =>
    needed >= 2 && needed <= held.length && held.length <= MOST;
  const isNone = !found.escrow.length && found.escrowThreshold === 0;
  const isForm = ids === all.length && points === all.length && fits(found.gateThreshold, found.gate);
  demand(value.v === 1 && numberIn(value, "number", where) >= 1, "format.value", where);
  demand(isForm && (isNone || fits(found.escrowThreshold, found.escrow)), "keyset.form", where);
  return found;
}

/**
 * @param {Obj} value
 * @param {string} where
 * @returns {Holder[]}
 */
function group(value, where) {
  return listIn(value, "holders", where).map((one) => {
    keysExactly(one, ["id", "proof", "public_key", "side"], where);
    const point = unhex(textIn(one, "public_key", where, FORM.point), where);
    const proof = unbase64(textIn(one, "proof", where), where, 64);
    return { id: textIn(one, "id", where, FORM.token), side: textIn(one, "side", where, FORM.word), point, proof };
  });
}

/**
 * @param {Uint8Array} raw
 * @param {string} where
 */
export function readHeader(raw, where) {
  const value = keysExactly(readJson(raw, where), ["binding", "commit", "wraps"], where);
  const commit = keysExactly(value.commit, ["bidder", "gate", "gate_shares", "escrow_shares"], where);
  const wraps = keysExactly(value.wraps, ["bidder", "gate", "escrow"], where);
  const bindingRaw = unbase64(textIn(value, "binding", where), where);
  const binding = readJson(bindingRaw, where);
  const names = "v suite tender lot stage bidder bid rev prev keyset parts created".split(" ");
  keysExactly(binding, names, where);
  for (const name of ["tender", "lot", "suite", "bidder"]) textIn(binding, name, where, FORM.token);
  textIn(binding, "stage", where, FORM.word);
  textIn(binding, "bid", where, FORM.hex16);
  textIn(binding, "keyset", where, FORM.hex32);
  textIn(binding, "prev", where, PREVIOUS);
  instantOf(textIn(binding, "created", where), where);
  demand(binding.v === 1 && numberIn(binding, "rev", where) >= 1, "format.value", where);
  const parts = listIn(binding, "parts", where).map((one) => keysExactly(one, ["id", "name"], where));
  const hashes = (/** @type {string} */ key) => {
    const found = textsIn(commit, key, where);
    demand(found.length <= MOST && found.every((one) => FORM.hex32.test(one)), "format.value", where, { key });
    return found;
  };
  const binaries = (/** @type {string} */ key) => {
    const found = textsIn(wraps, key, where);
    demand(found.length <= MOST, "format.value", where, { key });
    return found.map((one) => unbase64(one, where));
  };
  const suite = suiteNamed(binding.suite, where);
  return {
    binding,
    suite,
    parts: parts.map((one) => textIn(one, "id", where, FORM.word)),
    commitBidder: textIn(commit, "bidder", where, FORM.hex32),
    commitGate: textIn(commit, "gate", where, FORM.hex32),
    commitGateShares: hashes("gate_shares"),
    commitEscrowShares: hashes("escrow_shares"),
    wrapsBidder: binaries("bidder"),
    wrapsGate: binaries("gate"),
    wrapsEscrow: binaries("escrow"),
    b: suite.digest(bindingRaw),
    hh: suite.digest(raw),
  };
}

/**
 * @param {Uint8Array} raw
 * @param {string} where
 */
export function readManifest(raw, where) {
  const lines = splitLines(raw, where);
  const suite = suiteOfManifest(lines[0]);
  demand(lines.length > 5 && suite, "format.manifest", where);
  const [, bindingHash, headerHash, rev, prev, ...rest] = lines;
  const isHead = FORM.hex32.test(bindingHash) && FORM.hex32.test(headerHash) && PREVIOUS.test(prev);
  demand(isHead && /^[1-9][0-9]{0,3}$/.test(rev), "format.manifest", where);
  demand((rev === "1") === (prev === "-"), "format.manifest", where);
  /** @type {Map<string, { size: number, root: string }>} */
  const parts = new Map();
  for (const line of rest) {
    const [, id, size, root] = /^part ([a-z0-9_-]{1,40}) ([1-9][0-9]{0,15}) ([0-9a-f]{64})$/.exec(line) ?? [];
    if (!id || parts.has(id)) throw new Problem("format.manifest", where, { line });
    parts.set(id, { size: Number(size), root });
  }
  return { suite, bindingHash, headerHash, rev: Number(rev), prev, parts, envelopeHash: hex(suite.digest(raw)) };
}

/**
 * The four figures that are read out, as the record writes them.
 * @param {Uint8Array} raw
 * @param {string} where
 * @returns {[string, number, string, string]}
 */
export function readFigures(raw, where) {
  const value = readJson(raw, where);
  const names = ["v", "currency", "total", "duration_days", "quality", "project_manager"];
  keysExactly(value, [...names, ...["items", "total_words"].filter((name) => Object.hasOwn(value, name))], where);
  demand(value.v === 1 && value.currency === "CNY", "format.value", where);
  const [whole, cents = ""] = textIn(value, "total", where, MONEY).split(".");
  const total = `${whole}.${cents.padEnd(2, "0")}`;
  const days = numberIn(value, "duration_days", where);
  return [total, days, textIn(value, "quality", where), textIn(value, "project_manager", where)];
}
