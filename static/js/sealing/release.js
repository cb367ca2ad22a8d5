// @ts-check
/**
 * Releasing a bid: the bidder's client unwraps 32 bytes and sends only those; a private key never leaves the device.
 * The header comes from the server and is not trusted: it must be the one this bidder sealed.
 */

import { fromBase64, fromHex, isSame, toHex } from "./bytes.js";
import { readHeader } from "./envelope.js";
import { demand, SealingError } from "./errors.js";
import { importPair, readBackup } from "./keys.js";
import { keptKeys } from "./keystore.js";
import { commitment } from "./shares.js";
import { wrapInfo } from "./wraps.js";

/** @typedef {Uint8Array<ArrayBuffer>} Bytes */

/**
 * @typedef {object} Expected what the released bid must be
 * @property {string} tender
 * @property {string} lot
 * @property {string} bidder
 * @property {string} [stage]
 * @property {string} [bid]
 * @property {number} [rev]
 * @property {string} [headerHash] hex, kept by the client since sealing or read from the manifest it signed
 */

/**
 * Unwrap r_bid with a key pair and compare it with the commitment.
 *
 * Throws SealingError: "sealing.bad_header" when this is another header than `headerHash`, "sealing.tender_mismatch"
 * and its kin when it belongs elsewhere, "sealing.wrong_key" when no wrap opens, "sealing.bad_share" when what opened
 * is not what was committed.
 * @param {Bytes} headerBytes
 * @param {any} pair what `importPair` gives; one of another suite opens nothing
 * @param {Expected} expected
 * @returns {Promise<Bytes>} r_bid, 32 bytes
 */
export async function releaseWithPair(headerBytes, pair, expected) {
  const { header, binding, suite, b, hh } = await readHeader(headerBytes);
  const { headerHash } = expected;
  demand(headerHash === undefined || isSame(fromHex(headerHash), hh), "sealing.bad_header");
  // Without these a server could hand over the header of a lot still open and collect its secret early.
  for (const name of /** @type {const} */ (["tender", "lot", "bidder", "stage", "bid", "rev"])) {
    const isLeftOut = expected[name] === undefined && !["tender", "lot", "bidder"].includes(name);
    demand(isLeftOut || binding[name] === expected[name], `sealing.${name}_mismatch`);
  }
  const info = wrapInfo(b, "bidder");
  for (const wrapped of header.wraps.bidder) {
    const secret = await suite.unwrap(pair, info, fromBase64(wrapped));
    if (secret === undefined) continue;
    const isCommitted = (await commitment(b, "bidder", secret, suite)) === header.commit.bidder;
    demand(secret.length === 32 && isCommitted, "sealing.bad_share", { role: "bidder", culprit: "bidder" });
    return secret;
  }
  throw new SealingError("sealing.wrong_key");
}

/**
 * Release with whichever opening key kept in this browser fits (also the self-test button).
 * Throws "sealing.no_key_kept" when this browser has none for the lot.
 * @param {Bytes} headerBytes
 * @param {Expected} expected
 * @returns {Promise<Bytes>} r_bid
 */
export async function releaseWithKeptKey(headerBytes, expected) {
  const kept = await keptKeys({ for: "opening", tender: expected.tender, lot: expected.lot });
  demand(kept.length > 0, "sealing.no_key_kept");
  for (const { pair } of kept) {
    try {
      return await releaseWithPair(headerBytes, pair, expected);
    } catch (error) {
      if (!(error instanceof SealingError) || error.code !== "sealing.wrong_key") throw error;
    }
  }
  throw new SealingError("sealing.wrong_key");
}

/**
 * Release with a backup file, on any device.
 * @param {Bytes} headerBytes
 * @param {Bytes} file the age file
 * @param {string} passphrase
 * @param {Expected} expected
 * @returns {Promise<Bytes>} r_bid
 */
export async function releaseWithBackup(headerBytes, file, passphrase, expected) {
  const key = await readBackup(file, passphrase);
  demand(key.for === "opening", "sealing.key_file_malformed", { reason: "use" });
  return releaseWithPair(headerBytes, await importPair(key), expected);
}

/**
 * What is sent to the room: hex of r_bid.
 * @param {Bytes} secret
 * @returns {string}
 */
export function releaseText(secret) {
  return toHex(secret);
}
