// @ts-check
/** The receipt: the seal appears after the signature was verified here, 已存证 after the inclusion proof was. */

import { fromHex, utf8 } from "../sealing/bytes.js";
import { demand } from "../sealing/errors.js";
import { verifyBlinded } from "../sealing/inclusion.js";
import { verifyReceipt } from "../sealing/receipt.js";
import { askJson, byId, readWords, say, showState, spoken } from "./page.js";

const POLL_MS = 5000;
const PATIENCE_MS = 10 * 60 * 1000;
const root = byId("receipt");

/**
 * The trust stated in a C2SP policy of one log and at most one cosigner.
 * @param {string} text
 * @returns {import("../sealing/inclusion.js").Trust}
 */
export function readPolicy(text) {
  const lines = text.split("\n").map((line) => line.trim().split(/[ \t]+/));
  const logKey = lines.find(([word]) => word === "log")?.[1] ?? "";
  const cosignerKeys = lines.filter(([word]) => word === "witness").map((line) => line[2]);
  const quorum = lines.find(([word]) => word === "quorum")?.[1] === "none" ? 0 : 1;
  demand(logKey !== "" && cosignerKeys.length >= quorum, "transparency.malformed", { reason: "policy" });
  return { logKey, cosignerKeys, quorum };
}

async function verifySignature() {
  const { note = "", vkey = "", tender, lot, bid, rev, hash, size } = root.dataset;
  const expected = { tender, lot, bid, rev: Number(rev), envelopeHash: hash, sizeBytes: Number(size) };
  await verifyReceipt(note, vkey, expected);
  for (const element of document.querySelectorAll("[data-verified]")) /** @type {HTMLElement} */ (element).hidden = false;
  showState(byId("signature-state"), "ok", say("有效，已在本机核对", "Valid, verified on this computer"));
}

/** @param {{ proof: string, record: string, leaf_index: number, is_cosigned: boolean }} answer */
async function verifyInclusion(answer) {
  const { hash = "" } = root.dataset;
  demand(answer.record.includes(hash) && fromHex(hash).length === 32, "sealing.receipt_mismatch", { field: "record" });
  await verifyBlinded(answer.proof, utf8(answer.record), readPolicy(root.dataset.policy ?? ""));
  const cosigned = answer.is_cosigned ? say("，有共签", ", cosigned") : "";
  showState(byId("proof-state"), "ok", say(`已存证：日志第 ${answer.leaf_index} 条${cosigned}`, `On record: log entry ${answer.leaf_index}${cosigned}`));
  byId("proof-link").hidden = false;
}

async function waitForProof() {
  const until = performance.now() + PATIENCE_MS;
  while (performance.now() < until) {
    const answer = await askJson(root.dataset.proof ?? "").catch(() => null);
    if (answer?.state === "published") return verifyInclusion(answer);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

async function start() {
  readWords(root);
  try {
    await verifySignature();
  } catch (error) {
    showState(byId("signature-state"), "bad", spoken(error).title);
    return;
  }
  try {
    await waitForProof();
  } catch (error) {
    showState(byId("proof-state"), "bad", spoken(error).title);
  }
}

start();
