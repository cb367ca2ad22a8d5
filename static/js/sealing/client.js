// @ts-check
/** The page's side of the sealing worker. */

import { SealingError } from "./errors.js";

/** @typedef {Uint8Array<ArrayBuffer>} Bytes */
/** @typedef {import("./keys.js").KeyFile} KeyFile */
/** @typedef {import("./seal.js").SealedBid} SealedBid */

/**
 * @typedef {object} SealAndUploadOrder
 * @property {import("./envelope.js").Binding} binding
 * @property {Bytes} keysetBytes as published
 * @property {string} keysetHash hex, from the notice
 * @property {readonly string[]} bidderKeys 1 … 3 opening keys
 * @property {CryptoKey | Bytes} signingKey private key of the suite, as `importPair` gives it
 * @property {readonly import("./seal.js").PartSource[]} parts in the binding's order; Blobs are not copied
 * @property {{ socketUrl: string, httpUrl: string, headers?: Record<string, string>, giveUpAfterMs?: number }} upload
 *
 * @typedef {object} SealingProgress one of the two members
 * @property {{ sealedBytes: number, totalBytes: number }} [sealing]
 * @property {import("./upload.js").UploadProgress} [uploading]
 *
 * @typedef {object} Pending
 * @property {(value: any) => void} resolve
 * @property {(reason: Error) => void} reject
 * @property {(progress: any) => void} onProgress
 */

export class SealingWorker {
  #worker;
  #next = 1;
  /** @type {Map<number, Pending>} */ #pending = new Map();

  constructor() {
    this.#worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
    this.#worker.onmessage = ({ data }) => this.#answer(data);
    // A module that does not load, or a crash: no answer will come.
    this.#worker.onerror = () => {
      for (const { reject } of this.#pending.values()) reject(new SealingError("sealing.worker_failed"));
      this.#pending.clear();
    };
  }

  /**
   * Seal a bid and upload its segments; resolves when every segment is stored. Submitting header, manifest and
   * signature is the page's next step.
   * @param {SealAndUploadOrder} order
   * @param {(progress: SealingProgress) => void} [onProgress]
   * @returns {Promise<SealedBid>}
   */
  sealAndUpload(order, onProgress) {
    return this.#ask("sealAndUpload", order, onProgress);
  }

  /**
   * @param {KeyFile} file
   * @param {string} passphrase
   * @returns {Promise<Bytes>} the age file to download
   */
  writeBackup(file, passphrase) {
    return this.#ask("writeBackup", { file, passphrase });
  }

  /**
   * @param {Bytes} bytes
   * @param {string} passphrase
   * @returns {Promise<KeyFile>}
   */
  readBackup(bytes, passphrase) {
    return this.#ask("readBackup", { bytes, passphrase });
  }

  /**
   * @param {Bytes} bytes
   * @param {string} passphrase
   * @param {string} publicKey
   * @returns {Promise<KeyFile>}
   */
  checkBackup(bytes, passphrase, publicKey) {
    return this.#ask("checkBackup", { bytes, passphrase, publicKey });
  }

  /** End the worker and everything under way. */
  close() {
    this.#worker.terminate();
    for (const { reject } of this.#pending.values()) reject(new SealingError("sealing.stopped"));
    this.#pending.clear();
  }

  /**
   * @param {string} verb
   * @param {object} order
   * @param {(progress: any) => void} [onProgress]
   * @returns {Promise<any>}
   */
  #ask(verb, order, onProgress = () => {}) {
    const number = this.#next++;
    return new Promise((resolve, reject) => {
      this.#pending.set(number, { resolve, reject, onProgress });
      this.#worker.postMessage({ number, verb, order });
    });
  }

  /** @param {any} answer */
  #answer({ number, progress, done, failed }) {
    const pending = this.#pending.get(number);
    if (!pending) return;
    if (progress) {
      pending.onProgress(progress);
      return;
    }
    this.#pending.delete(number);
    if (failed) pending.reject(new SealingError(failed.code, failed.fields));
    else pending.resolve(done);
  }
}
