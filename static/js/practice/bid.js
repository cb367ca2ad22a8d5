// @ts-check
/**
 * The visitor's practice bid: sealed, released, opened and signed by the modules that do it with real bids. Its keys live
 * in this page's memory alone; nothing is stored or sent.
 */

import { fromBase64, textOf, toHex, utf8 } from "../sealing/bytes.js";
import { newBidId, partContext, readHeader } from "../sealing/envelope.js";
import { demand } from "../sealing/errors.js";
import { generateKey, importPair } from "../sealing/keys.js";
import { readKeyset } from "../sealing/keyset.js";
import { h, note } from "../sealing/notes.js";
import { unpad } from "../sealing/padding.js";
import { releaseWithPair } from "../sealing/release.js";
import { seal } from "../sealing/seal.js";
import { combineShares, commitment } from "../sealing/shares.js";
import { wrapInfo } from "../sealing/wraps.js";

/** @typedef {Uint8Array<ArrayBuffer>} Bytes */
/** @typedef {import("./script.js").Story} Story */

const PART = "price_schedule";
const HOLDERS = [0, 2]; // the second holder stays silent: two of three are enough

/**
 * @typedef {object} PracticeBid
 * @property {import("../sealing/envelope.js").Binding} binding
 * @property {import("../sealing/seal.js").SealedBid} sealed
 * @property {Bytes} ciphertext of the price schedule
 * @property {any} opening key pair
 * @property {any} signing key pair
 * @property {string} signingKey public, hex
 */

/**
 * @param {Story} story
 * @param {string} total yuan
 * @returns {Promise<PracticeBid>}
 */
export async function sealPractice(story, total) {
  const created = new Date().toISOString();
  const scope = { tender: story.tender, lot: story.lot, owner: story.bidder };
  const opening = await generateKey({ for: "opening", ...scope }, created);
  const signing = await generateKey({ for: "signing", ...scope }, created);
  const keyset = await readKeyset(utf8(story.keyset), story.keyset_hash);
  const binding = /** @type {import("../sealing/envelope.js").Binding} */ ({
    v: 1,
    suite: keyset.suite.name,
    tender: story.tender,
    lot: story.lot,
    stage: "single",
    bidder: story.bidder,
    bid: newBidId(),
    rev: 1,
    prev: "-",
    keyset: keyset.hash,
    parts: [{ id: PART, name: "开标一览表" }],
    created,
  });
  const content = new Blob([JSON.stringify({ v: 1, currency: "CNY", total, duration_days: 178, quality: "合格", project_manager: "练习" })]);
  /** @type {Bytes[]} */ const pieces = [];
  const pair = await importPair(signing);
  const sealed = await seal(
    { binding, keyset, bidderKeys: [opening.public_key], signingKey: pair.privateKey, parts: [{ id: PART, content }] },
    async ({ bytes }) => void pieces.push(bytes),
  );
  const ciphertext = new Uint8Array(await new Blob(pieces).arrayBuffer());
  return { binding, sealed, ciphertext, opening: await importPair(opening), signing: pair, signingKey: signing.public_key };
}

/** 解密: the 32 bytes a real seat would hand over. @param {PracticeBid} bid */
export function releasePractice(bid) {
  const { tender, lot, bidder, stage, bid: id, rev } = bid.binding;
  return releaseWithPair(bid.sealed.header, bid.opening, { tender, lot, bidder, stage, bid: id, rev, headerHash: bid.sealed.headerHash });
}

/**
 * What the room does once enough holders gave their keys: the gate's half, the content key, the price.
 * @param {Story} story
 * @param {PracticeBid} bid
 * @param {Bytes} rBid
 * @returns {Promise<{ total: string, rGate: string }>}
 */
export async function openPractice(story, bid, rBid) {
  const { header, suite, b, hh } = await readHeader(bid.sealed.header);
  const shares = await Promise.all(
    HOLDERS.map(async (seat) => {
      const share = await suite.unwrap(await importPair(story.gate[seat]), wrapInfo(b, `gate/${seat}`), fromBase64(header.wraps.gate[seat]));
      demand(share !== undefined, "sealing.wrong_key");
      return /** @type {Bytes} */ (share);
    }),
  );
  const rGate = await combineShares(shares);
  demand((await commitment(b, "gate", rGate, suite)) === header.commit.gate, "sealing.bad_share", { role: "gate" });
  const key = await suite.partKey(await suite.contentKey(b, rBid, rGate), PART);
  const content = unpad(await suite.decrypt(key, partContext(PART, hh), bid.ciphertext));
  return { total: JSON.parse(textOf(content)).total, rGate: toHex(rGate) };
}

/**
 * The transcript of the draw with the visitor's own bid in the place of the recorded one: frozen line and contribution.
 * @param {any} drawn data of the recorded coefficient_drawn frame
 * @param {any[]} frozen lines of the list everybody saw, the visitor's own in it
 * @param {string} recordedBid
 * @param {string} bid
 * @param {string} rGate
 */
export async function transcriptWith(drawn, frozen, recordedBid, bid, rGate) {
  const lines = drawn.transcript.replace(/\n$/, "").split("\n");
  const list = frozen.map((one) => `${one.bid} ${one.rev} ${one.leaf_index} ${one.envelope_hash}`).sort();
  const heads = lines.filter((/** @type {string} */ line) => !/^(?:freeze|contribution) /.test(line));
  const given = lines.filter((/** @type {string} */ line) => line.startsWith("contribution ") && !line.includes(` ${recordedBid} `));
  const contributions = [...given, `contribution ${bid} ${rGate}`].sort();
  const made = [...heads, `freeze ${await h(...list)}`, ...contributions];
  return { ...drawn, transcript: `${made.join("\n")}\n`, seed: await h(...made) };
}

/** Sign the line as it was read, and verify the signature as the room would. @param {PracticeBid} bid @param {string} total */
export async function signPractice(bid, total) {
  const { suite } = await readHeader(bid.sealed.header);
  const text = note("etender-practice/v1", bid.binding.lot, bid.binding.bid, await h("practice", total));
  const signature = await suite.sign(bid.signing.privateKey, text);
  return suite.isSignedBy(bid.signingKey, signature, text);
}
