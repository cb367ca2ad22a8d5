// @ts-check
/** RFC 6962 trees. */

import { equal, sha256 } from "./bytes.js";
import { demand } from "./problems.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

/** @param {Uint8Array} data */
export const leafHash = (data) => sha256(LEAF, data);

/**
 * @param {Uint8Array} left
 * @param {Uint8Array} right
 */
export const nodeHash = (left, right) => sha256(NODE, left, right);

/** A tree of a known root; nodes that a proof has led to the root are remembered and not hashed again. */
export class Tree {
  /** @type {Map<string, Bytes>} */ #known = new Map();

  /**
   * @param {number} size
   * @param {Bytes} root
   */
  constructor(size, root) {
    this.size = size;
    this.root = root;
  }

  /**
   * Throws "log.inclusion" unless the leaf hash stands at this index.
   * @param {number} index
   * @param {Bytes} leaf
   * @param {Bytes[]} path
   * @param {string} where
   */
  prove(index, leaf, path, where) {
    demand(index < this.size, "log.inclusion", where, { reason: "index" });
    /** @type {[string, Bytes][]} */
    const fresh = [];
    let value = leaf;
    let used = 0;
    let isKnown = false;
    // Walk up: `at` is the node's number in its row, `last` the number of the row's last node.
    for (let level = 0, at = index, last = this.size - 1; last > 0; level += 1) {
      const isAlone = at === last && at % 2 === 0;
      if (!isAlone) {
        demand(used < path.length, "log.inclusion", where, { reason: "length" });
        const beside = path[used];
        const [own, other] = [`${level}/${at}`, `${level}/${at % 2 ? at - 1 : at + 1}`];
        used += 1;
        if (isKnown) {
          // From here on the way is known: the path must be the one that was proven before.
          const before = this.#known.get(other);
          demand(before && equal(before, beside), "log.inclusion", where, { reason: "root" });
        } else {
          const before = this.#known.get(own);
          if (before) {
            demand(equal(before, value), "log.inclusion", where, { reason: "root" });
            isKnown = true;
            const sibling = this.#known.get(other);
            demand(sibling && equal(sibling, beside), "log.inclusion", where, { reason: "root" });
          } else {
            fresh.push([own, value], [other, beside]);
            value = at % 2 ? nodeHash(beside, value) : nodeHash(value, beside);
          }
        }
      }
      at = Math.floor(at / 2);
      last = Math.floor(last / 2);
    }
    demand(used === path.length, "log.inclusion", where, { reason: "length" });
    demand(isKnown || equal(value, this.root), "log.inclusion", where, { reason: "root" });
    for (const [place, hash] of fresh) this.#known.set(place, hash);
  }
}

/**
 * Throws "log.consistency" unless the larger tree begins with the smaller one. From size 0 nothing follows.
 * @param {{ size: number, root: Bytes }} old
 * @param {{ size: number, root: Bytes }} now
 * @param {Bytes[]} proof
 * @param {string} where
 */
export function checkConsistency(old, now, proof, where) {
  const refuse = (/** @type {unknown} */ holds) => demand(holds, "log.consistency", where);
  refuse(old.size > 0 && old.size < now.size);
  const rest = [...proof];
  let at = old.size - 1;
  let last = now.size - 1;
  while (at % 2) {
    at = (at - 1) / 2;
    last = Math.floor(last / 2);
  }
  // An old tree of 2^n leaves is a node of the new one and is not repeated in the proof.
  const seed = at === 0 ? old.root : rest.shift();
  refuse(seed);
  let [first, second] = [/** @type {Bytes} */ (seed), /** @type {Bytes} */ (seed)];
  for (const part of rest) {
    refuse(last > 0);
    if (at % 2 || at === last) {
      first = nodeHash(part, first);
      second = nodeHash(part, second);
      while (at > 0 && at % 2 === 0) {
        at /= 2;
        last = Math.floor(last / 2);
      }
    } else {
      second = nodeHash(second, part);
    }
    at = Math.floor(at / 2);
    last = Math.floor(last / 2);
  }
  refuse(last === 0 && equal(first, old.root) && equal(second, now.root));
}

