// @ts-check
/**
 * What a bidder's device signs when it confirms (docs/reference/room-protocol.md), made from the public frames it was
 * shown: never a text that the platform merely hands over. The same as `foundation/sealing/confirmation.py`.
 */

import { sha256, toHex, utf8 } from "../sealing/bytes.js";
import { h, note } from "../sealing/notes.js";

/** @typedef {import("./ledger.js").Ledger} Ledger */

const NOT_OPENED = "not_opened";

/** @param {string} text */
const of = async (text) => toHex(await sha256(utf8(text)));

/**
 * @param {string} lotCode
 * @param {import("./ledger.js").Listed} listed
 * @param {Ledger} ledger
 */
async function lineDigest(lotCode, listed, ledger) {
  const { seat, bid } = listed;
  const line = ledger.lines[seat];
  const head = ["etender-record-line/v2", lotCode, seat, bid];
  if (line === undefined) return h(...head, await of(listed.name), "closed", ledger.faults[seat] ?? NOT_OPENED);
  return h(
    ...head,
    await of(line.name),
    "read",
    line.total,
    await of(line.total_words),
    line.duration_days,
    await of(line.quality),
    await of(line.project_manager),
    ...line.marks,
  );
}

/** @param {string} lotCode @param {Ledger} ledger */
export async function shownDigest(lotCode, ledger) {
  const draws = ledger.draws.map(async (one) => `draw ${await of(one.name)} ${await of(one.value)} ${one.seed}`);
  const lines = ledger.listed.map(async (one) => `line ${await lineDigest(lotCode, one, ledger)}`);
  const objections = ledger.objections.map(async (one) => {
    const outcome = one.isWithdrawn ? "withdrawn" : `answered ${await of(one.answer ?? "")}`;
    return `objection ${one.id} ${one.seat} ${await of(one.text)} ${outcome}`;
  });
  return h("etender-shown/v1", lotCode, ...(await Promise.all([...draws, ...lines, ...objections])));
}

/**
 * The text to sign, or "" for a bid that has no seat.
 * @param {string} lotCode
 * @param {Ledger} ledger
 * @param {string} bid
 */
export async function confirmationNote(lotCode, ledger, bid) {
  const own = ledger.listed.find((one) => one.bid === bid);
  if (own === undefined) return "";
  const parts = [await lineDigest(lotCode, own, ledger), await shownDigest(lotCode, ledger)];
  return new TextDecoder().decode(note("etender-confirm/v2", lotCode, bid, ...parts));
}
