// @ts-check
/** The parts of a sealed bid that do not depend on its suite: shares, part keys, the chunked payload, segments. */

import { combine } from "../../vendor/js/shamir.js";
import { concat, equal, hex, note, utf8 } from "./bytes.js";
import { demand, Problem } from "./problems.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {import("./suite_s1.js").Suite} Suite */

const CHUNK = 16384;
const TAG = 16;
const PREFIX = 56;
const MIN_PADDED = 4096;
const SEGMENT = 8 * 1024 * 1024;
const MOST_SUBSETS = 600;
const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

/**
 * @param {Suite} suite
 * @param {string} b hex
 * @param {string} role
 * @param {Uint8Array} secret
 */
export function commitmentTo(suite, b, role, secret) {
  return hex(suite.digest(note("etender-share/v1", b, role, hex(secret))));
}

/**
 * The committed secret from any `needed` of the shares, sets in the order of the seats; undefined when none gives it.
 * @param {Suite} suite
 * @param {Map<number, Bytes>} shares
 * @param {number} needed
 * @param {string} b
 * @param {string} role
 * @param {string} committed
 */
export async function recombine(suite, shares, needed, b, role, committed) {
  const seats = [...shares.keys()].sort((x, y) => x - y);
  let tried = 0;
  for (const chosen of subsets(seats, needed)) {
    tried += 1;
    if (tried > MOST_SUBSETS) break;
    const parts = chosen.map((seat) => /** @type {Bytes} */ (shares.get(seat)));
    const places = parts.map((part) => part[part.length - 1]);
    if (parts.some((part) => part.length !== 33) || places.includes(0) || new Set(places).size !== needed) continue;
    const secret = new Uint8Array(await combine(parts));
    if (commitmentTo(suite, b, role, secret) === committed) return secret;
  }
  return undefined;
}

/**
 * @param {number[]} items
 * @param {number} count
 * @returns {Generator<number[]>}
 */
function* subsets(items, count) {
  if (count === 0) {
    yield [];
    return;
  }
  for (let at = 0; at + count <= items.length; at += 1) {
    for (const rest of subsets(items.slice(at + 1), count - 1)) yield [items[at], ...rest];
  }
}

/**
 * HKDF-Expand.
 * @param {Suite} suite
 * @param {Bytes} prk
 * @param {Bytes} info
 * @param {number} length
 */
async function expand(suite, prk, info, length) {
  let out = new Uint8Array(0);
  let block = new Uint8Array(0);
  for (let counter = 1; out.length < length; counter += 1) {
    block = await suite.mac(prk, concat(block, info, Uint8Array.of(counter)));
    out = concat(out, block);
  }
  return out.slice(0, length);
}

/**
 * @param {Suite} suite
 * @param {Bytes} rBid
 * @param {Bytes} rGate
 * @param {Bytes} b
 * @param {string} part
 */
export async function partKeyOf(suite, rBid, rGate, b, part) {
  const cek = await expand(suite, await suite.mac(b, concat(rBid, rGate)), utf8("etender-cek/v1"), suite.cekSize);
  return expand(suite, cek, utf8(`etender-part-key/v1\0${part}`), 32);
}

/**
 * The content of a small part. Problems "part.key", "part.cipher", "part.padding".
 * @param {Suite} suite
 * @param {Bytes} key
 * @param {string} part
 * @param {Bytes} headerHash
 * @param {Bytes} sealed
 * @param {string} where
 */
export async function openPart(suite, key, part, headerHash, sealed, where) {
  demand(sealed.length >= PREFIX, "part.cipher", where, { reason: "truncated" });
  const context = concat(utf8(`etender-part/v1\0${part}\0`), headerHash);
  const size = suite.chunkKeySize;
  const stream = await expand(suite, key, concat(suite.chunkLabel, sealed.slice(0, 24), context), size + 12 + 32);
  demand(equal(stream.subarray(size + 12), sealed.subarray(24, PREFIX)), "part.key", where);
  const open = await suite.chunkOpener(stream.slice(0, size));
  const pieces = [];
  // Every chunk is full but the last, which is always there: the body never ends at a full chunk.
  const body = sealed.subarray(PREFIX);
  for (let number = 0; number * (CHUNK + TAG) <= body.length; number += 1) {
    const iv = stream.slice(size, size + 12);
    for (let at = 11, rest = number; rest > 0; at -= 1, rest = Math.floor(rest / 256)) iv[at] ^= rest % 256;
    const chunk = body.slice(number * (CHUNK + TAG), (number + 1) * (CHUNK + TAG));
    const opened = await open(iv, chunk);
    if (!opened) throw new Problem("part.cipher", where, { reason: "tag" });
    pieces.push(opened);
  }
  const padded = concat(...pieces);
  demand(padded.length >= MIN_PADDED, "part.padding", where);
  const told = new DataView(padded.buffer).getBigUint64(0);
  const isPadded = told <= BigInt(padded.length - 8) && paddedTo(Number(told)) === padded.length;
  demand(isPadded && padded.subarray(8 + Number(told)).every((byte) => byte === 0), "part.padding", where);
  return padded.slice(8, 8 + Number(told));
}

/** @param {number} size */
function paddedTo(size) {
  const length = size + 8;
  const exponent = Math.floor(Math.log2(length));
  const step = 2 ** (exponent - Math.floor(Math.log2(exponent)) - 1);
  return Math.max(MIN_PADDED, Math.ceil(length / step) * step);
}

/**
 * The root of a part: RFC 6962 over the digests of its 8 MiB segments; "" of nothing.
 * @param {Suite} suite
 * @param {AsyncIterable<Uint8Array>} blocks
 */
export async function partRoot(suite, blocks) {
  let row = (await segmentDigests(suite, blocks)).map((one) => suite.digest(LEAF, one));
  while (row.length > 1) {
    const above = [];
    for (let at = 0; at < row.length; at += 2) {
      above.push(at + 1 < row.length ? suite.digest(NODE, row[at], row[at + 1]) : row[at]);
    }
    row = above;
  }
  return row.length ? hex(row[0]) : "";
}

/**
 * Digest of each 8 MiB segment.
 * @param {Suite} suite
 * @param {AsyncIterable<Uint8Array>} blocks
 */
async function segmentDigests(suite, blocks) {
  const found = [];
  let digest = suite.hasher();
  let filled = 0;
  for await (let block of blocks) {
    while (block.length) {
      const taken = block.subarray(0, SEGMENT - filled);
      digest.update(taken);
      filled += taken.length;
      block = block.subarray(taken.length);
      if (filled === SEGMENT) {
        found.push(digest.digest());
        digest = suite.hasher();
        filled = 0;
      }
    }
  }
  if (filled) found.push(digest.digest());
  return found;
}
