// @ts-check
/**
 * 封存核对 (招标投标法 Art 36): the bidder's own receipt against the frozen list everybody sees. The receipt's signature
 * is verified with the pinned key, the frozen line comes from the room's public frames.
 */

import { verifyReceipt } from "../sealing/receipt.js";
import { say } from "./words.js";

/**
 * @param {string} lot
 * @param {(url: string) => Promise<any>} read
 * @returns {Promise<{ isEqual: boolean, leafIndex: number, difference: string }>}
 */
export async function compareSeal(lot, read) {
  const [facts, own, told] = await Promise.all([
    read(`/lots/${lot}/lot.json`),
    read(`/lots/${lot}/bid/header`),
    read(`/rooms/${lot}/events?after=public:0`),
  ]);
  const note = await (await fetch(`/lots/${lot}/bid/receipt.note`, { cache: "no-store" })).text();
  const receipt = await verifyReceipt(note, facts.receipt_vkey, { tender: own.tender, lot: own.lot });
  const proof = await read(`/lots/${lot}/bid/receipt.tlog-proof`);
  const frozen = told.frames.find((/** @type {any} */ frame) => frame.type === "bids_frozen");
  const line = frozen?.data.bids.find((/** @type {any} */ one) => one.bid === receipt.bid);
  const difference = differenceOf(line, receipt, proof);
  return { isEqual: difference === "", leafIndex: line?.leaf_index ?? -1, difference };
}

/**
 * @param {{ rev: number, leaf_index: number, envelope_hash: string } | undefined} line
 * @param {import("../sealing/receipt.js").Receipt} receipt
 * @param {{ leaf_index?: number }} proof
 */
export function differenceOf(line, receipt, proof) {
  if (line === undefined) return say("清单里没有您的投标", "your bid is not in the list");
  if (line.envelope_hash !== receipt.envelopeHash) return say("密文哈希不同", "another ciphertext hash");
  if (line.rev !== receipt.rev) return say("版本不同", "another version");
  if (proof.leaf_index !== undefined && line.leaf_index !== proof.leaf_index) return say("日志位置不同", "another place in the log");
  return "";
}
