// @ts-check
/** What the bidder's pages share: asking the platform, and handing in the 32 bytes of one bid, never a key. */

import { fromBase64 } from "../sealing/bytes.js";
import { SealingError } from "../sealing/errors.js";
import { releaseText } from "../sealing/release.js";
import { Refused, report } from "./trouble.js";
import { say } from "./words.js";

/** @typedef {import("../sealing/release.js").Expected} Expected */

const json = { Accept: "application/json" };

/** @param {string} url */
export async function read(url) {
  const answer = await fetch(url, { headers: json, cache: "no-store" });
  if (!answer.ok) throw new Refused(await sentenceOf(answer), answer.status);
  return answer.json();
}

/** What the platform said, in its own words. @param {Response} answer */
async function sentenceOf(answer) {
  try {
    const { title, detail } = await answer.json();
    return [title, detail].filter(Boolean).join(" ");
  } catch {
    return say(`平台没有正常答复（${answer.status}）`, `The platform did not answer properly (${answer.status})`);
  }
}

/** @param {string} url @param {object} body */
export async function send(url, body) {
  const token = document.querySelector('meta[name="csrf-token"]')?.getAttribute("content") ?? "";
  const answer = await fetch(url, {
    method: "POST",
    headers: { ...json, "Content-Type": "application/json", "X-CSRFToken": token },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Refused(await sentenceOf(answer), answer.status);
  return answer.json();
}

/** What went wrong on this device, and what can be done. @param {unknown} error */
export function wordsFor(error) {
  if (error instanceof SealingError) {
    const known = /** @type {Record<string, string>} */ ({
      "sealing.no_key_kept": say("这台设备上没有本标的密钥。请用封标时的浏览器，或导入备份文件。", "This device holds no key for this bid. Use the browser you sealed with, or your backup file."),
      "sealing.wrong_key": say("密钥或口令不对。投标文件没有受损，可以再试。", "Wrong key or passphrase. The bid is not harmed; try again."),
      "sealing.key_file_malformed": say("这不是本标的备份文件。", "This is not the backup file of this bid."),
      "sealing.bad_header": say("平台给出的信封与您封存的不是同一份，没有交出任何内容。请联系值守席。", "The platform's envelope is not the one you sealed; nothing was released. Call the duty desk."),
    });
    return known[error.code] ?? say(`没有交出：核对不符（${error.code}）。`, `Not released: a check failed (${error.code}).`);
  }
  if (error instanceof TypeError) return say("连不上平台，没有交出。请换网络或换一台设备再试。", "The platform could not be reached; nothing was released. Try another network or device.");
  return error instanceof Error ? error.message : String(error);
}

/** The own header in a lot, and what it must be. Not trusted: `release.js` compares it with what was sealed. @param {string} lot */
export async function envelopeOf(lot) {
  const own = await read(`/lots/${lot}/bid/header`);
  report(lot, "fetched");
  /** @type {Expected} */
  const expected = { tender: own.tender, lot: own.lot, bidder: own.bidder, stage: own.stage, bid: own.bid_id, rev: own.rev, headerHash: own.header_hash };
  return { header: fromBase64(own.header), expected };
}

/** Send the 32 bytes of one lot, and wipe them. @param {string} lot @param {Uint8Array<ArrayBuffer>} secret */
export async function giveRelease(lot, secret) {
  await send(`/rooms/${lot}/release`, { r_bid: releaseText(secret) });
  secret.fill(0);
}
