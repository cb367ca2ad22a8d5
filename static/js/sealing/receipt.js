// @ts-check
/** The acknowledgement (确认回执): the page says 已递交 only after it has verified against the pinned key. */

import { demand } from "./errors.js";
import { openNote, readVerifierKey } from "./signed_notes.js";

const CODE = "sealing.receipt_malformed";
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/**
 * @typedef {object} Receipt
 * @property {string} tender
 * @property {string} lot
 * @property {string} bid
 * @property {number} rev
 * @property {string} envelopeHash
 * @property {number} sizeBytes
 * @property {string} receivedAt instant, stamped by the receiver
 * @property {string} logBy the log must hold the bid by then; if not, this receipt proves the omission
 * @property {boolean} isDemoClock such times prove nothing
 */

/**
 * Read the body of a receipt.
 * @param {string} text
 * @returns {Receipt}
 */
export function parseReceipt(text) {
  const lines = text.split("\n");
  demand(lines.pop() === "" && (lines.length === 9 || lines.length === 10), CODE, { reason: "lines" });
  const [kind, tender, lot, bid, rev, envelopeHash, size, receivedAt, logBy, clock] = lines;
  demand(kind === "etender-receipt/v1", CODE, { reason: "kind" });
  demand(clock === undefined || clock === "clock demo", CODE, { reason: "clock" });
  demand(/^[1-9]\d{0,3}$/.test(rev) && /^[1-9]\d{0,15}$/.test(size), CODE, { reason: "number" });
  demand(/^[0-9a-f]{32}$/.test(bid) && /^[0-9a-f]{64}$/.test(envelopeHash), CODE, { reason: "hash" });
  demand(INSTANT.test(receivedAt) && INSTANT.test(logBy), CODE, { reason: "instant" });
  const isDemoClock = clock !== undefined;
  return { tender, lot, bid, rev: Number(rev), envelopeHash, sizeBytes: Number(size), receivedAt, logBy, isDemoClock };
}

/**
 * Verify a receipt note and that it is for what this client sealed.
 * Throws SealingError "transparency.bad_signature", "sealing.receipt_malformed" or "sealing.receipt_mismatch".
 * @param {string} raw the signed note
 * @param {string} pinnedKey verifier key of the receipt signer, from the page's pinned keys
 * @param {Partial<Omit<Receipt, "receivedAt" | "logBy" | "isDemoClock">>} expected
 * @returns {Promise<Receipt>}
 */
export async function verifyReceipt(raw, pinnedKey, expected) {
  const receipt = parseReceipt(await openNote(raw, await readVerifierKey(pinnedKey)));
  for (const [name, value] of Object.entries(expected)) {
    demand(receipt[/** @type {keyof Receipt} */ (name)] === value, "sealing.receipt_mismatch", { field: name });
  }
  return receipt;
}
