// @ts-check
/** Shamir shares over GF(2^8) in the Vault layout: the bytes of y, then one byte x. */

import { combine, split } from "../../vendor/js/shamir.js";
import { toHex } from "./bytes.js";
import { demand } from "./errors.js";
import { S1 } from "./suite_s1.js";

/** @typedef {Uint8Array<ArrayBuffer>} Bytes */

/**
 * Split a secret so that any `threshold` of `count` shares give it back and fewer say nothing.
 * @param {Bytes} secret
 * @param {number} threshold 2 … count
 * @param {number} count at most 16
 * @returns {Promise<Bytes[]>}
 */
export async function splitSecret(secret, threshold, count) {
  demand(threshold >= 2 && threshold <= count && count <= 16, "sealing.keyset_malformed", { reason: "threshold" });
  return (await split(secret, count, threshold)).map((share) => new Uint8Array(share));
}

/**
 * The secret of enough shares. Wrong shares give a wrong secret: compare the result with its commitment.
 * @param {readonly Bytes[]} shares
 * @returns {Promise<Bytes>}
 */
export async function combineShares(shares) {
  return new Uint8Array(await combine([...shares]));
}

/**
 * Commitment to a secret or share: whoever hands over another value is found out at once.
 * @param {Bytes} b digest of the binding bytes
 * @param {string} role bidder | gate | gate/i | escrow/i
 * @param {Bytes} value
 * @param {import("./suite_s1.js").Suite} [suite]
 * @returns {Promise<string>} hex
 */
export function commitment(b, role, value, suite = S1) {
  return suite.h("etender-share/v1", toHex(b), role, toHex(value));
}
