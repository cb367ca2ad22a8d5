// @ts-check
/**
 * Handing in what was sealed offline: the archive's own bytes are uploaded and nothing is encrypted again, so an upload
 * that broke is taken up where it stood.
 */

import { sha256, textOf, toBase64, toHex } from "../sealing/bytes.js";
import { readHeader } from "../sealing/envelope.js";
import { demand, SealingError } from "../sealing/errors.js";
import { verifyReceipt } from "../sealing/receipt.js";
import { SEGMENT_SIZE } from "../sealing/seal.js";
import { SegmentUploader } from "../sealing/upload.js";
import { notAnArchive, readArchive } from "./archive.js";
import { Unreachable, askJson, byId, changeHeaders, readWords, say, showFailure, sizeText } from "./page.js";

/** @typedef {import("./archive.js").Archive} Archive */

const SUBMIT_PAUSES_MS = [500, 1000, 2000, 4000, 8000, 8000, 15_000, 15_000];
const PART_LINE = /^part ([a-z0-9_-]{1,40}) ([1-9][0-9]{0,12}) [0-9a-f]{64}$/;
const root = byId("archive");
const failure = byId("archive-failure");
let isBusy = false;

/**
 * What the archive holds, if it is a bid of this bidder on this lot.
 * @param {Archive} archive
 * @param {any} lot lot.json
 */
async function readBid(archive, lot) {
  const [header, manifest] = [await archive.text("header.json"), await archive.text("manifest.txt")];
  const { binding, suite, hh } = await readHeader(header);
  for (const name of /** @type {const} */ (["tender", "lot", "bidder", "stage"])) {
    demand(binding[name] === lot[name], `sealing.${name}_mismatch`);
  }
  demand(binding.keyset === lot.keyset_hash, "sealing.keyset_mismatch");
  const isAgain = lot.last?.bid === binding.bid && lot.last?.rev === binding.rev;
  demand(isAgain || binding.rev === (lot.last?.rev ?? 0) + 1, "sealing.rev_mismatch");
  const lines = textOf(manifest).split("\n").slice(0, -1);
  const named = lines.flatMap((line) => PART_LINE.exec(line) ?? []);
  const parts = [];
  for (let i = 0; i < named.length; i += 3) parts.push({ id: named[i + 1], size: Number(named[i + 2]) });
  const isWhole = parts.length > 0 && parts.every(({ id, size }) => archive.parts.get(id)?.size === size);
  if (!isWhole || parts.length !== archive.parts.size) throw notAnArchive();
  return {
    binding,
    parts,
    header,
    manifest,
    headerHash: toHex(hh),
    envelopeHash: toHex(await suite.digest(manifest)),
    sizeBytes: parts.reduce((sum, { size }) => sum + size, 0),
  };
}

/**
 * @param {Archive} archive
 * @param {{ parts: { id: string, size: number }[], envelopeHash: string, sizeBytes: number }} bid
 * @param {any} lot
 * @returns {Promise<string>} the upload
 */
async function upload(archive, { parts, envelopeHash, sizeBytes }, lot) {
  const remembered = `upload:${envelopeHash}`;
  let uploadId = localStorage.getItem(remembered);
  if (uploadId === null) {
    const announced = parts.map(({ id, size }) => ({ id, size, segments: Math.ceil(size / SEGMENT_SIZE) }));
    uploadId = /** @type {string} */ ((await askJson(root.dataset.uploads, { parts: announced })).upload_id);
    localStorage.setItem(remembered, uploadId);
  }
  const uploader = new SegmentUploader({
    socketUrl: `${lot.room_origin}/uploads/${uploadId}`,
    httpUrl: `/uploads/${uploadId}`,
    headers: changeHeaders(),
    totalBytes: sizeBytes,
    isSameCiphertext: true,
    onProgress: showProgress,
  });
  try {
    for (const { id, size } of parts) {
      const content = /** @type {Blob} */ (archive.parts.get(id));
      for (let index = 0; index * SEGMENT_SIZE < size; index += 1) {
        const slice = content.slice(index * SEGMENT_SIZE, Math.min(size, (index + 1) * SEGMENT_SIZE));
        const bytes = new Uint8Array(await slice.arrayBuffer());
        await uploader.offer({ part: id, index, bytes, sha256: toHex(await sha256(bytes)) });
      }
    }
    await uploader.finish();
  } catch (error) {
    // An upload the platform let go of cannot be gone on with: the next try begins another.
    if (!(error instanceof SealingError && error.code === "upload.unreachable")) localStorage.removeItem(remembered);
    throw error;
  } finally {
    uploader.stop();
  }
  return uploadId;
}

/** @param {import("../sealing/upload.js").UploadProgress} progress */
function showProgress({ storedBytes, sentBytes, totalBytes, secondsLeft, by }) {
  byId("progress-bar").value = sentBytes / totalBytes;
  const left = secondsLeft === null ? "" : say(`，约剩 ${secondsLeft} 秒`, `, about ${secondsLeft} s left`);
  byId("progress-text").textContent =
    by === "waiting"
      ? say("连接断开，正在重连；已传的不会丢。", "Connection lost, reconnecting; nothing sent is lost.")
      : say(`已核对 ${sizeText(storedBytes)} / ${sizeText(totalBytes)}`, `Verified ${sizeText(storedBytes)} / ${sizeText(totalBytes)}`) + left;
}

/**
 * The same envelope again is answered with the same receipt, so a lost answer is asked for again.
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

async function handIn() {
  const [file] = byId("archive-file").files;
  if (!file) throw notAnArchive();
  const lot = await askJson(root.dataset.lotJson);
  const archive = await readArchive(file);
  const bid = await readBid(archive, lot);
  byId("archive-progress").hidden = false;
  const answer = await submit({
    upload_id: await upload(archive, bid, lot),
    header: toBase64(bid.header),
    manifest: textOf(bid.manifest),
    signature: toBase64(await archive.text("signature.bin")),
  });
  const { binding, envelopeHash, sizeBytes, headerHash } = bid;
  const { tender, lot: code, bid: id, rev } = binding;
  const receipt = await verifyReceipt(answer.receipt, root.dataset.vkey ?? "", { tender, lot: code, bid: id, rev, envelopeHash, sizeBytes });
  localStorage.setItem(`sealed:${lot.lot_id}`, JSON.stringify({ headerHash, receipt: answer.receipt }));
  const at = new Date(Date.parse(receipt.receivedAt) + 8 * 3600 * 1000).toISOString().slice(11, 23);
  byId("done-text").textContent = say(`${at} 收妥，回执号 ${answer.receipt_number}。`, `Received ${at}, receipt ${answer.receipt_number}.`);
  byId("archive-done").hidden = false;
  byId("archive-done").querySelector("a").focus();
}

readWords(root);
byId("archive-form").addEventListener("submit", async (/** @type {SubmitEvent} */ event) => {
  event.preventDefault();
  if (isBusy) return;
  isBusy = true;
  failure.hidden = true;
  try {
    await handIn();
  } catch (error) {
    showFailure(failure, error);
  } finally {
    isBusy = false;
  }
});
addEventListener("beforeunload", (event) => {
  if (isBusy) event.preventDefault();
});
