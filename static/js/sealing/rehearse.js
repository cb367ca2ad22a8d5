// @ts-check
/**
 * Rehearsed seal: the client shows before the deadline that its key gives back r_bid, and r_bid stays on the device.
 * What is sent is one digest; nobody can check it, or use it, before r_bid itself is released at the opening.
 */

import { toHex } from "./bytes.js";
import { readHeader } from "./envelope.js";
import { demand } from "./errors.js";

/** @typedef {Uint8Array<ArrayBuffer>} Bytes */

/**
 * @typedef {object} Challenge the centre's answer
 * @property {string} bid 32 hex digits
 * @property {number} rev
 * @property {string} challenge 64 hex digits, fresh
 */

/**
 * The statement for exactly this bid, revision and challenge. Throws SealingError "sealing.bid_mismatch" or
 * "sealing.rev_mismatch" when the challenge is for another one, "sealing.bad_encoding" when it is none.
 * @param {Bytes} headerBytes
 * @param {Bytes} secret r_bid, as `release.js` unwrapped and compared it
 * @param {Challenge} asked
 * @returns {Promise<{ bid: string, rev: number, challenge: string, tag: string }>}
 */
export async function rehearsalStatement(headerBytes, secret, { bid, rev, challenge }) {
  const { binding, suite, b } = await readHeader(headerBytes);
  demand(binding.bid === bid, "sealing.bid_mismatch");
  demand(binding.rev === rev, "sealing.rev_mismatch");
  demand(/^[0-9a-f]{64}$/.test(challenge), "sealing.bad_encoding", { reason: "challenge" });
  const tag = await suite.h("etender-rehearsal/v1", toHex(b), bid, rev, challenge, toHex(secret));
  return { bid, rev, challenge, tag };
}
