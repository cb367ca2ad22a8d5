// @ts-check
/** RFC 6962 hashing: tree roots of segment digests, and inclusion proofs of the log. */

import { concat, isSame, sha256 } from "./bytes.js";
import { demand } from "./errors.js";

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

/** @typedef {Uint8Array<ArrayBuffer>} Bytes */

/**
 * Hash of a leaf's data.
 * @param {Bytes} data
 * @param {(bytes: Bytes) => Promise<Bytes>} [digest]
 * @returns {Promise<Bytes>}
 */
export function leafHash(data, digest = sha256) {
  return digest(concat(LEAF, data));
}

/**
 * Hash of an inner node.
 * @param {Bytes} left
 * @param {Bytes} right
 * @param {(bytes: Bytes) => Promise<Bytes>} [digest]
 * @returns {Promise<Bytes>}
 */
export function nodeHash(left, right, digest = sha256) {
  return digest(concat(NODE, left, right));
}

/**
 * Root of a tree over leaf data, as in RFC 6962 §2.1.
 * @param {readonly Bytes[]} leaves
 * @param {(bytes: Bytes) => Promise<Bytes>} [digest] the log's trees are always of SHA-256
 * @returns {Promise<Bytes>}
 */
export async function treeRoot(leaves, digest = sha256) {
  if (leaves.length === 0) return digest(new Uint8Array(0));
  // Pairing level by level and carrying an odd last node up gives the same tree as splitting at powers of two.
  let level = await Promise.all(leaves.map((leaf) => leafHash(leaf, digest)));
  while (level.length > 1) {
    const above = [];
    for (let i = 0; i + 1 < level.length; i += 2) above.push(nodeHash(level[i], level[i + 1], digest));
    const carried = level.length % 2 ? [level[level.length - 1]] : [];
    level = [...(await Promise.all(above)), ...carried];
  }
  return level[0];
}

/**
 * The root a path leads to from a leaf at an index (RFC 9162 §2.1.3.2). Throws SealingError "transparency.bad_proof"
 * when the path has not the length that index and size demand.
 * @param {object} claim
 * @param {Bytes} claim.leaf hash of the leaf
 * @param {number} claim.index
 * @param {number} claim.size leaves in the tree
 * @param {readonly Bytes[]} claim.path sibling hashes from the leaf upwards
 * @returns {Promise<Bytes>}
 */
export async function rootFromInclusion({ leaf, index, size, path }) {
  const code = "transparency.bad_proof";
  demand(Number.isSafeInteger(index) && Number.isSafeInteger(size) && index >= 0 && index < size, code);
  demand(path.length <= 53 && [leaf, ...path].every((hash) => hash.length === 32), code);
  let at = index;
  let last = size - 1;
  let hash = leaf;
  for (const sibling of path) {
    demand(last > 0, code);
    if (at % 2 === 1 || at === last) {
      hash = await nodeHash(sibling, hash);
      while (at % 2 === 0 && at !== 0) {
        at /= 2;
        last = Math.floor(last / 2);
      }
    } else {
      hash = await nodeHash(hash, sibling);
    }
    at = Math.floor(at / 2);
    last = Math.floor(last / 2);
  }
  demand(last === 0, code);
  return hash;
}

/**
 * Check that a leaf stands at an index of a tree with this root.
 * Throws SealingError "transparency.bad_proof" when it does not.
 * @param {object} claim
 * @param {Bytes} claim.leaf hash of the leaf
 * @param {number} claim.index
 * @param {number} claim.size leaves in the tree
 * @param {readonly Bytes[]} claim.path sibling hashes from the leaf upwards
 * @param {Bytes} claim.root
 * @returns {Promise<void>}
 */
export async function verifyInclusion({ leaf, index, size, path, root }) {
  const found = await rootFromInclusion({ leaf, index, size, path });
  demand(isSame(found, root), "transparency.bad_proof");
}
