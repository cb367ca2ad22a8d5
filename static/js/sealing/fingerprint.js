// @ts-check
/**
 * The fingerprint of a bidder's opening key: what a person compares on two screens before a bid is sealed to a key that
 * came through the server. 80 bits: nobody can make another key with the same sixteen characters.
 */

import { sha256 } from "./bytes.js";
import { note } from "./notes.js";

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LENGTH = 16;

/**
 * Sixteen characters in four groups, `7K3M-9QXD-02FA-ZZ1B`; made on the device that shows it, never taken from a server.
 * @param {string} tender
 * @param {string} lot
 * @param {string} publicKey 130 hex digits
 * @returns {Promise<string>}
 */
export async function fingerprint(tender, lot, publicKey) {
  const digest = await sha256(note("etender-fingerprint/v1", tender, lot, publicKey));
  let bits = 0n;
  for (const byte of digest.subarray(0, (LENGTH * 5) / 8)) bits = (bits << 8n) | BigInt(byte);
  let text = "";
  for (let at = LENGTH - 1; at >= 0; at -= 1) text += ALPHABET[Number((bits >> BigInt(at * 5)) & 31n)];
  return /** @type {string[]} */ (text.match(/.{4}/g)).join("-");
}
