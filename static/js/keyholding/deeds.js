// @ts-check
/** What a holder does for a task, as its agent would: make a key, rehearse, release. Nothing here touches the page. */

import { fromBase64, fromHex, sha256, toBase64, toHex, utf8 } from "../sealing/bytes.js";
import { demand, SealingError } from "../sealing/errors.js";
import { importPair } from "../sealing/keys.js";
import { note } from "../sealing/notes.js";
import { suiteNamed } from "../sealing/suites.js";
import { establishMissing, escrowShareOf, permitGateRelease, refused, rehearsalShareOf } from "./evidence.js";
import { acceptFrozen } from "./records.js";

/** @typedef {Uint8Array<ArrayBuffer>} Bytes */
/** @typedef {import("../sealing/keys.js").KeyFile} KeyFile */
/** @typedef {import("../verify/signed.js").Trust} Trust */
/** @typedef {import("./evidence.js").LotNames} LotNames */
/** @typedef {import("./evidence.js").ShownEntry} ShownEntry */
/** @typedef {(entryId: string) => Promise<{ entry_text: string, tlog_proof: string }>} AskEntry */
/** @typedef {import("./evidence.js").Fact} Fact */

/**
 * @typedef {object} Permitted what the evidence allows, and what it was
 * @property {Fact} fact
 * @property {import("./evidence.js").FrozenSet} [facts] for custodians
 */

/**
 * @param {any} task
 * @returns {LotNames}
 */
export function lotOf({ lot_id, tender, lot_code }) {
  return { lotId: lot_id, tender, lotCode: lot_code };
}

/**
 * A key belongs to exactly one place; a task that names another lot under the same key set is refused.
 * @param {{ tender: string, lotCode: string, lotId: string, role: string }} record
 * @param {any} task
 */
export function demandSameLot(record, task) {
  const isSameLot = record.tender === task.tender && record.lotCode === task.lot_code && record.lotId === task.lot_id;
  if (!isSameLot || record.role !== task.role) throw refused("other_lot");
}

/**
 * Proof of possession: a signature by the very key over what it is for (docs/sealed-bid-format.md §2).
 * @param {KeyFile} file
 * @param {string} suiteName
 * @returns {Promise<string>} base64
 */
export async function provePossession(file, suiteName) {
  const suite = await suiteNamed(suiteName, "sealing.keyset_malformed");
  const { privateKey } = await importPair({ ...file, for: "signing" });
  const claim = note("etender-holder/v1", file.tender, file.lot, file.for, file.public_key);
  return toBase64(await suite.sign(privateKey, claim));
}

/**
 * The answer to a rehearsal: a share, or why there is none.
 * @param {any} task
 * @param {KeyFile} file
 */
export async function rehearse(task, file) {
  const place = { lot: lotOf(task), keysetJson: task.keyset, role: task.role, index: task.index, file };
  try {
    return { share: toHex(await rehearsalShareOf(fromBase64(task.header), place)) };
  } catch (error) {
    if (!(error instanceof SealingError)) throw error;
    if (error.code === "sealing.bad_share") return { fault: "wrap" };
    if (error.code === "sealing.wrong_key") return { fault: "wrong_key" };
    throw error;
  }
}

/**
 * Verify by oneself that a release is due. Throws "keyholding.evidence_refused" with the reason.
 * @param {any} task
 * @param {AskEntry} ask
 * @param {Trust} trust
 * @param {number} now POSIX seconds
 * @returns {Promise<Permitted>}
 */
export async function permit(task, ask, trust, now) {
  const apart = task.long_entries ?? {};
  const show = async (/** @type {string} */ id) => {
    const { entry_text, tlog_proof } = await ask(id);
    return { entry: utf8(entry_text), proof: tlog_proof, data: apart[id] };
  };
  if (task.kind === "release_gate_key") {
    return { fact: await permitGateRelease(await show(task.entry_id), lotOf(task), trust, now) };
  }
  const ids = new Set(task.bids.map((/** @type {any} */ one) => one.request_entry_id).filter(Boolean));
  const requests = [];
  for (const id of [...ids].sort()) requests.push(await show(id));
  const shown = {
    published: await show(task.published_entry_id),
    frozen: await show(task.frozen_entry_id),
    listed: await show(task.list_entry_id),
    ended: await show(task.ended_entry_id),
    requests,
  };
  const facts = await establishMissing(shown, lotOf(task), trust, now);
  for (const { bid } of task.bids) {
    if (!facts.frozen.has(bid) || !facts.missing.has(bid)) throw refused("bid_not_missing");
    if (!facts.permitted.has(bid)) throw refused("not_requested");
  }
  if (!(await acceptFrozen(task.lot_id, toHex(await sha256(facts.entry))))) throw refused("second_freeze");
  return { fact: facts.ended, facts };
}

/**
 * What is sent once the evidence stands: the gate key itself, or a share of each bid.
 * @param {any} task
 * @param {Permitted} permitted
 * @param {KeyFile} file
 */
export async function release(task, permitted, file) {
  demand(file.for === task.role, "sealing.key_file_malformed", { reason: "use" });
  if (task.kind === "release_gate_key") return { private_key: privateHex(file) };
  const place = { lot: lotOf(task), keysetJson: task.keyset, role: task.role, index: task.index, file };
  const { facts } = permitted;
  if (!facts) throw refused("form");
  const shares = [];
  for (const { bid, header, manifest } of task.bids) {
    try {
      const share = await escrowShareOf(bid, fromBase64(header), utf8(manifest), facts, place);
      shares.push({ bid, share: toHex(share) });
    } catch (error) {
      if (!(error instanceof SealingError) || error.code !== "sealing.bad_share") throw error;
      shares.push({ bid, fault: String(error.fields.reason ?? "wrap") });
    }
  }
  return { shares };
}

/**
 * The private scalar as 64 hex digits: the form in which gate keys are published.
 * @param {KeyFile} file
 */
export function privateHex(file) {
  const plain = file.private_key.d.replaceAll("-", "+").replaceAll("_", "/");
  const hex = toHex(fromBase64(plain + "=".repeat((4 - (plain.length % 4)) % 4)));
  return toHex(fromHex(hex));
}
