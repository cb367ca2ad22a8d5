// @ts-check
/**
 * The sealing worker: reads, encrypts and uploads away from the page, which stays responsive. One order at a time a
 * message; answers carry the order's number.
 */

import { SealingError } from "./errors.js";
import { checkBackup, readBackup, writeBackup } from "./keys.js";
import { readKeyset } from "./keyset.js";
import { seal, sealedTotal } from "./seal.js";
import { SegmentUploader } from "./upload.js";

/** @typedef {import("./client.js").SealAndUploadOrder} SealAndUploadOrder */

/**
 * @param {SealAndUploadOrder} order
 * @param {(progress: object) => void} tell
 */
async function sealAndUpload(order, tell) {
  const keyset = await readKeyset(order.keysetBytes, order.keysetHash);
  const totalBytes = sealedTotal(order.parts.map((part) => part.content));
  const uploader = new SegmentUploader({
    ...order.upload,
    totalBytes,
    onProgress: (uploading) => tell({ uploading }),
  });
  try {
    const { binding, bidderKeys, signingKey, parts } = order;
    const sealed = await seal(
      { binding, keyset, bidderKeys, signingKey, parts },
      (segment) => uploader.offer(segment),
      (sealing) => tell({ sealing }),
    );
    await uploader.finish();
    return sealed;
  } finally {
    uploader.stop();
  }
}

/** @type {Record<string, (order: any, tell: (progress: object) => void) => Promise<unknown>>} */
const VERBS = {
  sealAndUpload,
  writeBackup: ({ file, passphrase }) => writeBackup(file, passphrase),
  readBackup: ({ bytes, passphrase }) => readBackup(bytes, passphrase),
  checkBackup: ({ bytes, passphrase, publicKey }) => checkBackup(bytes, passphrase, publicKey),
};

/** @param {MessageEvent<{ number: number, verb: string, order: any }>} event */
async function serve({ data: { number, verb, order } }) {
  try {
    const done = await VERBS[verb](order, (progress) => postMessage({ number, progress }));
    postMessage({ number, done });
  } catch (error) {
    const { code, fields } = error instanceof SealingError ? error : { code: "sealing.failed", fields: {} };
    if (!(error instanceof SealingError)) console.error(error);
    postMessage({ number, failed: { code, fields } });
  }
}

addEventListener("message", serve);
