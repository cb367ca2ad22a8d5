// @ts-check
/** The sealing page: keys, files, seal. 已递交 is said only after the receipt was verified on this computer. */

import { serverNow } from "../kit/clock.js";
import { textOf, toBase64, utf8 } from "../sealing/bytes.js";
import { sealedSize } from "../sealing/chunked.js";
import { SealingWorker } from "../sealing/client.js";
import { newBidId } from "../sealing/envelope.js";
import { paddedSize } from "../sealing/padding.js";
import { verifyReceipt } from "../sealing/receipt.js";
import { SEGMENT_SIZE, demandFits } from "../sealing/seal.js";
import { suiteNamed } from "../sealing/suites.js";
import { fillSamples, readFiles } from "./files-step.js";
import { KeysStep, deviceName } from "./keys-step.js";
import { Unreachable, askJson, byId, changeHeaders, icon, readWords, say, showFailure, sizeText } from "./page.js";
import { Recipients } from "./recipients.js";

/** @typedef {import("./keys-step.js").KeyPairs} KeyPairs */
/** @typedef {import("./files-step.js").ChosenPart} ChosenPart */

const SUBMIT_PAUSES_MS = [500, 1000, 2000, 4000, 8000, 8000, 8000, 15_000, 15_000, 15_000];
const root = byId("sealing");
const failure = byId("seal-failure");
const worker = new SealingWorker();
/** @type {KeyPairs | null} */ let keys = null;
/** @type {Recipients | null} */ let recipients = null;
let isBusy = false;

/**
 * @param {string} name of a stage
 * @param {"run" | "ok" | "bad" | "wait"} kind
 * @param {string} word
 */
function stage(name, kind, word) {
  const item = /** @type {HTMLElement} */ (document.querySelector(`[data-stage="${name}"]`));
  item.querySelector("svg")?.replaceWith(icon(kind, kind === "wait" ? "mut" : `c-${kind}`));
  const state = /** @type {HTMLElement} */ (item.querySelector("span.st"));
  state.className = `st st-${kind}`;
  state.textContent = word;
  byId("seal-status").textContent = `${item.querySelector("b")?.textContent} ${word}`;
}

/** @param {import("../sealing/client.js").SealingProgress} progress */
function showProgress({ uploading }) {
  if (!uploading) return;
  const { storedBytes, sentBytes, totalBytes, bytesPerSecond, secondsLeft, by } = uploading;
  byId("progress-bar").value = sentBytes / totalBytes;
  const rate = bytesPerSecond ? say(`，${sizeText(bytesPerSecond)}/秒`, `, ${sizeText(bytesPerSecond)}/s`) : "";
  byId("progress-text").textContent =
    by === "waiting"
      ? say("连接断开，正在重连；已传的不会丢。", "Connection lost, reconnecting; nothing sent is lost.")
      : say(`已核对 ${sizeText(storedBytes)} / ${sizeText(totalBytes)}${rate}`, `Verified ${sizeText(storedBytes)} / ${sizeText(totalBytes)}${rate}`);
  byId("progress-left").textContent = secondsLeft === null ? "" : leftText(secondsLeft);
}

/**
 * A large bid on a slow line takes hours: said as people say it.
 * @param {number} seconds
 */
function leftText(seconds) {
  if (seconds < 90) return say(`约剩 ${seconds} 秒`, `about ${seconds} s left`);
  const minutes = Math.ceil(seconds / 60);
  if (minutes < 90) return say(`约剩 ${minutes} 分钟`, `about ${minutes} min left`);
  const hours = Math.floor(minutes / 60);
  return say(`约剩 ${hours} 小时 ${minutes % 60} 分钟`, `about ${hours} h ${minutes % 60} min left`);
}

/**
 * @param {any} lot
 * @param {ChosenPart[]} parts
 */
function bindingOf(lot, parts) {
  const { tender, lot: code, stage: envelope, bidder, keyset_hash, last } = lot;
  return /** @type {import("../sealing/envelope.js").Binding} */ ({
    v: 1,
    suite: lot.suite,
    tender,
    lot: code,
    stage: envelope,
    bidder,
    bid: last?.bid ?? newBidId(),
    rev: last ? last.rev + 1 : 1,
    prev: last?.envelope_hash ?? "-",
    keyset: keyset_hash,
    parts: parts.map(({ id, name }) => ({ id, name })),
    created: new Date(serverNow()).toISOString(),
  });
}

/**
 * @param {any} lot
 * @param {KeyPairs} pair
 * @param {ChosenPart[]} parts
 */
async function sealAndUpload(lot, pair, parts) {
  demandFits(await suiteNamed(lot.suite, "sealing.keyset_malformed"), parts.map(({ content }) => content));
  const announced = parts.map(({ id, content }) => {
    const size = sealedSize(paddedSize(content.size));
    return { id, size, segments: Math.ceil(size / SEGMENT_SIZE) };
  });
  const { upload_id, room_origin } = await askJson(root.dataset.uploads, { parts: announced });
  const binding = bindingOf(lot, parts);
  const sealed = await worker.sealAndUpload(
    {
      binding,
      keysetBytes: utf8(lot.keyset),
      keysetHash: lot.keyset_hash,
      bidderKeys: [pair.opening.publicKey, ...(recipients?.chosen() ?? [])],
      signingKey: pair.signing.pair.privateKey,
      parts: parts.map(({ id, content }) => ({ id, content })),
      upload: {
        socketUrl: `${room_origin}/uploads/${upload_id}`,
        httpUrl: `/uploads/${upload_id}`,
        headers: changeHeaders(),
      },
    },
    showProgress,
  );
  return { upload_id, binding, sealed };
}

/**
 * Hand the envelope in; the same one again is answered with the same receipt, so a lost answer is asked for again.
 * @param {object} body
 */
async function submit(body) {
  for (const pause of SUBMIT_PAUSES_MS) {
    try {
      return await askJson(root.dataset.seals, body);
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
  return askJson(root.dataset.seals, body);
}

/** @param {KeyPairs} pair */
async function run(pair) {
  const lot = await askJson(root.dataset.lotJson);
  stage("files", "run", say("进行中", "Under way"));
  const parts = await readFiles(lot.parts);
  if (parts === null) {
    stage("files", "bad", say("请改正", "Put right"));
    return;
  }
  stage("files", "ok", say("完成", "Done"));
  stage("upload", "run", say("进行中", "Under way"));
  const { upload_id, binding, sealed } = await sealAndUpload(lot, pair, parts);
  stage("upload", "ok", say("完成", "Done"));
  stage("check", "run", say("进行中", "Under way"));
  const answer = await submit({
    upload_id,
    header: toBase64(sealed.header),
    manifest: textOf(sealed.manifest),
    signature: toBase64(sealed.signature),
  });
  stage("check", "ok", say("完成", "Done"));
  stage("receipt", "run", say("核对签名", "Verifying"));
  const receipt = await verifyReceipt(answer.receipt, root.dataset.vkey ?? "", {
    tender: lot.tender,
    lot: lot.lot,
    bid: binding.bid,
    rev: binding.rev,
    envelopeHash: sealed.envelopeHash,
    sizeBytes: sealed.sizeBytes,
  });
  stage("receipt", "ok", say("已递交", "Submitted"));
  // Kept with the keys: at the opening this client releases for this header only.
  localStorage.setItem(`sealed:${lot.lot_id}`, JSON.stringify({ headerHash: sealed.headerHash, receipt: answer.receipt }));
  showDone(answer, receipt);
}

/**
 * @param {any} answer
 * @param {import("../sealing/receipt.js").Receipt} receipt
 */
function showDone(answer, receipt) {
  const at = new Date(Date.parse(receipt.receivedAt) + 8 * 3600 * 1000).toISOString().slice(11, 23);
  byId("done-text").textContent = say(
    `投标文件已加密收妥。${at} 收妥，回执号 ${answer.receipt_number}。`,
    `Your bid is sealed and received, ${at}, receipt ${answer.receipt_number}.`,
  );
  const link = byId("done-note");
  link.href = URL.createObjectURL(new Blob([answer.receipt], { type: "text/plain" }));
  link.download = `${answer.receipt_number}.note`;
  byId("seal-done").hidden = false;
  byId("seal-done").querySelector("a").focus();
}

async function sealNow() {
  if (keys === null || isBusy) return;
  isBusy = true;
  failure.hidden = true;
  byId("seal-progress").hidden = false;
  byId("seal-now").setAttribute("aria-disabled", "true");
  try {
    await run(keys);
  } catch (error) {
    for (const item of document.querySelectorAll("[data-stage]")) {
      const name = /** @type {HTMLElement} */ (item).dataset.stage ?? "";
      if (item.querySelector(".st-run")) stage(name, "bad", say("没有完成", "Not done"));
    }
    showFailure(failure, error);
  } finally {
    isBusy = false;
    if (byId("seal-done").hidden) byId("seal-now").removeAttribute("aria-disabled");
  }
}

/** @param {BeforeUnloadEvent} event */
function warnBeforeLeaving(event) {
  if (isBusy) event.preventDefault();
}

async function start() {
  readWords(root);
  byId("seal-now").addEventListener("click", sealNow);
  addEventListener("beforeunload", warnBeforeLeaving);
  const { samples, lotJson, keys: registerUrl } = root.dataset;
  const sample = document.getElementById("sample-files");
  sample?.addEventListener("click", () => fillSamples(samples ?? "").catch((error) => showFailure(failure, error)));
  try {
    const lot = await askJson(lotJson);
    const onReady = (/** @type {KeyPairs} */ ready) => {
      keys = ready;
      recipients = new Recipients(lot, ready.opening.publicKey, () => askJson(lotJson));
      recipients.start();
      byId("seal-now").removeAttribute("aria-disabled");
      byId("seal-why").hidden = true;
    };
    const step = new KeysStep({ lot, worker, registerUrl, label: deviceName, onReady });
    await step.start();
  } catch (error) {
    showFailure(failure, error);
  }
}

start();
