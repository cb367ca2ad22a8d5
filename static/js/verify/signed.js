// @ts-check
/** Policies, checkpoints and who signed them (C2SP signed-note, tlog-checkpoint, tlog-cosignature v1, tlog-policy). */

import { concat, equal, hex, sha256, textOf, unbase64, unhex, utf8 } from "./bytes.js";
import { numberOf } from "./json.js";
import { demand, Problem } from "./problems.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {{ name: string, kind: number, raw: Bytes, id: Bytes }} Key */
/** @typedef {{ name: string, id: Bytes, signature: Bytes }} Line */
/** @typedef {{ threshold: number, members: string[] }} Group */
/** @typedef {{ logs: Key[], cosigners: Map<string, Key>, groups: Map<string, Group>, quorum: string }} Trust */
/** @typedef {{ origin: string, size: number, root: Bytes, at: number | null, cosigners: string[] }} Head */

const NOTE_KEY = 1;
const COSIGNER_KEY = 4;
const NAME = /^[^\s+\x00-\x20]+$/;

/**
 * @param {string} text
 * @param {number} kind
 * @param {string} where
 * @returns {Key}
 */
function readKey(text, kind, where) {
  const [name, id, ...rest] = text.split("+");
  demand(rest.length > 0 && NAME.test(name), "format.vkey", where);
  const material = unbase64(rest.join("+"), where, 33);
  const key = { name, kind: material[0], raw: material.slice(1), id: keyId(name, material) };
  demand(key.kind === kind && equal(unhex(id, where, 4), key.id), "format.vkey", where);
  return key;
}

/**
 * @param {string} name
 * @param {Bytes} material
 */
function keyId(name, material) {
  return sha256(utf8(`${name}\n`), material).slice(0, 4);
}

/**
 * @param {Uint8Array} raw
 * @param {string} where
 * @returns {Trust}
 */
export function readTrust(raw, where) {
  const text = textOf(raw, where);
  const isText = raw.length <= 100_000 && text.endsWith("\n") && !/[\x00-\x08\x0b-\x1f\x7f]/.test(text);
  demand(isText, "format.policy", where);
  /** @type {Trust} */
  const trust = { logs: [], cosigners: new Map(), groups: new Map(), quorum: "" };
  const used = new Set();
  const isKnown = (/** @type {string} */ name) => trust.cosigners.has(name) || trust.groups.has(name);
  const isFree = (/** @type {string} */ name) => name !== "none" && !isKnown(name);
  for (const line of text.split("\n")) {
    const [word, ...rest] = line.split(/[ \t]+/).filter(Boolean);
    if (!word || word.startsWith("#")) continue;
    if (word === "log" && (rest.length === 1 || rest.length === 2)) {
      trust.logs.push(readKey(rest[0], NOTE_KEY, where));
    } else if (word === "witness" && (rest.length === 2 || rest.length === 3) && isFree(rest[0])) {
      trust.cosigners.set(rest[0], readKey(rest[1], COSIGNER_KEY, where));
    } else if (word === "group" && rest.length > 2 && isFree(rest[0])) {
      const members = rest.slice(2);
      for (const member of members) {
        demand(isKnown(member) && !used.has(member), "format.policy", where);
        used.add(member);
      }
      trust.groups.set(rest[0], { threshold: threshold(rest[1], members.length, where), members });
    } else if (word === "quorum" && rest.length === 1 && !trust.quorum && (rest[0] === "none" || isKnown(rest[0]))) {
      trust.quorum = rest[0];
    } else {
      throw new Problem("format.policy", where, { line });
    }
  }
  for (const keys of [trust.logs, [...trust.cosigners.values()]]) {
    demand(new Set(keys.map((key) => hex(key.raw))).size === keys.length, "policy.key_twice", where);
  }
  demand(trust.quorum && trust.logs.length, "format.policy", where);
  return trust;
}

/**
 * @param {string} word
 * @param {number} members
 * @param {string} where
 */
function threshold(word, members, where) {
  if (word === "any") return 1;
  if (word === "all") return members;
  const count = numberOf(word, where);
  demand(count >= 1 && count <= members, "format.policy", where);
  return count;
}

/**
 * @param {Uint8Array} raw
 * @param {string} where
 * @returns {{ text: string, lines: Line[] }}
 */
function splitNote(raw, where) {
  const note = textOf(raw, where);
  const at = note.lastIndexOf("\n\n");
  const isNote = raw.length <= 1_000_000 && at > 0 && note.endsWith("\n") && !/[\x00-\x09\x0b-\x1f]/.test(note);
  demand(isNote, "format.note", where);
  const rows = note.slice(at + 2, -1).split("\n");
  const lines = rows.map((row) => {
    const [, name, encoded] = /^\u2014 (\S+) (\S+)$/.exec(row) ?? [];
    demand(name, "format.note", where);
    const data = unbase64(encoded, where);
    demand(NAME.test(name) && data.length > 4, "format.note", where);
    return { name, id: data.slice(0, 4), signature: data.slice(4) };
  });
  demand(lines.length <= 100, "format.note", where);
  return { text: note.slice(0, at + 1), lines };
}

/**
 * A checkpoint that this policy accepts.
 * @param {Uint8Array} raw
 * @param {Trust} trust
 * @param {number | null} now in seconds; cosignatures dated more than 30 s later do not count
 * @param {string} where
 * @returns {Promise<Head>}
 */
export async function readHead(raw, trust, now, where) {
  const { text, lines } = splitNote(raw, where);
  const rows = text.slice(0, -1).split("\n");
  demand(rows.length === 3 && rows.every(Boolean), "format.checkpoint", where);
  const [origin, digits, encoded] = rows;
  const size = numberOf(digits, where);
  const root = unbase64(encoded, where, 32);
  demand(size > 0, "log.empty", where);
  const logs = trust.logs.filter((key) => key.name === origin);
  demand(logs.length, "log.origin", where, { found: origin });
  let isSigned = false;
  for (const key of logs) {
    for (const line of linesBy(lines, key)) {
      demand(await verifies(key, line.signature, utf8(text)), "log.signature", where, { signer: key.name });
      isSigned = true;
    }
  }
  demand(isSigned, "log.signature", where, { signer: origin });
  /** @type {Map<string, number>} */
  const times = new Map();
  for (const [name, key] of trust.cosigners) {
    const at = await cosignedAt(key, lines, text, where);
    if (at !== null && (now === null || at <= now + 30)) times.set(name, at);
  }
  const cosigners = [...times.keys()].sort();
  if (trust.quorum === "none") return { origin, size, root, at: null, cosigners };
  for (const [name, { threshold: needed, members }] of trust.groups) {
    const stood = members.flatMap((member) => times.get(member) ?? []).sort((a, b) => a - b);
    if (stood.length >= needed) times.set(name, stood[needed - 1]);
  }
  const at = times.get(trust.quorum);
  demand(at !== undefined, "log.quorum", where, { wanted: trust.quorum, found: cosigners.join(" ") || "-" });
  return { origin, size, root, at, cosigners };
}

/**
 * @param {Line[]} lines
 * @param {Key} key
 */
function linesBy(lines, key) {
  return lines.filter((line) => line.name === key.name && equal(line.id, key.id));
}

/**
 * The earliest time this key stated, null when it did not sign.
 * @param {Key} key
 * @param {Line[]} lines
 * @param {string} text
 * @param {string} where
 */
async function cosignedAt(key, lines, text, where) {
  /** @type {number | null} */
  let earliest = null;
  for (const { signature } of linesBy(lines, key)) {
    demand(signature.length === 72, "log.signature", where, { signer: key.name });
    const at = new DataView(signature.buffer, signature.byteOffset).getBigUint64(0);
    const isSigned = await verifies(key, signature.slice(8), utf8(`cosignature/v1\ntime ${at}\n${text}`));
    demand(isSigned && at > 0n && at <= 253402300799n, "log.signature", where, { signer: key.name });
    earliest = Math.min(earliest ?? Infinity, Number(at));
  }
  return earliest;
}

/**
 * @param {Key} key
 * @param {Bytes} signature
 * @param {Bytes} message
 */
async function verifies(key, signature, message) {
  try {
    const imported = await crypto.subtle.importKey("raw", concat(key.raw), "Ed25519", false, ["verify"]);
    return await crypto.subtle.verify("Ed25519", imported, signature, message);
  } catch (error) {
    if (error instanceof DOMException && error.name !== "NotSupportedError") return false;
    throw error;
  }
}
