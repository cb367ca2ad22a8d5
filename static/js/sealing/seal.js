// @ts-check
/**
 * Sealing as a stream: files are read in 1 MiB slices, encrypted with up to 64 chunks in flight, and handed on as 8 MiB
 * ciphertext segments with their digests. Neither a file nor its ciphertext is ever held whole.
 */

import { sha256, toHex } from "./bytes.js";
import { sealedSize } from "./chunked.js";
import { makeHeader, makeManifest, partContext } from "./envelope.js";
import { demand } from "./errors.js";
import { treeRoot } from "./merkle.js";
import { paddedSize, paddedSlices } from "./padding.js";

export const SEGMENT_SIZE = 8 * 2 ** 20;

/** @typedef {Uint8Array<ArrayBuffer>} Bytes */

/**
 * @typedef {object} Segment
 * @property {string} part
 * @property {number} index counted from 0 within the part
 * @property {Bytes} bytes at most 8 MiB
 * @property {string} sha256 hex: what the receiver compares with, in every suite
 *
 * @typedef {object} PartSource
 * @property {string} id as in the binding
 * @property {Blob} content at most 1 GiB
 *
 * @typedef {object} SealedPart
 * @property {string} id
 * @property {number} length of the ciphertext in bytes
 * @property {string} root hex
 *
 * @typedef {object} SealedBid
 * @property {Bytes} header
 * @property {Bytes} manifest
 * @property {Bytes} signature 64 bytes
 * @property {string} envelopeHash hex digest of the manifest
 * @property {string} headerHash hex digest of the header
 * @property {SealedPart[]} parts
 * @property {number} sizeBytes sum of the ciphertext lengths
 *
 * @typedef {object} SealOrder
 * @property {import("./envelope.js").Binding} binding
 * @property {import("./keyset.js").Keyset} keyset verified by readKeyset
 * @property {readonly string[]} bidderKeys 1 … 3 opening keys, 130 hex digits each
 * @property {CryptoKey | Bytes} signingKey private key of the key set's suite, as `importPair` gives it
 * @property {readonly PartSource[]} parts in the binding's order
 */

/**
 * Ciphertext bytes a set of files will need, known before sealing begins.
 * @param {readonly { size: number }[]} contents
 * @returns {number}
 */
export function sealedTotal(contents) {
  return contents.reduce((sum, content) => sum + sealedSize(paddedSize(content.size)), 0);
}

/**
 * Refuse what this suite seals too slowly in a browser ("sealing.too_large_for_browser"): the command line takes it.
 * @param {import("./suite_s1.js").Suite} suite
 * @param {readonly { size: number }[]} contents
 * @returns {number} ciphertext bytes
 */
export function demandFits({ maxSealedBytes }, contents) {
  const total = sealedTotal(contents);
  demand(total <= maxSealedBytes, "sealing.too_large_for_browser", { limit_mib: Math.floor(maxSealedBytes / 2 ** 20) });
  return total;
}

/**
 * Seal a bid.
 * @param {SealOrder} order
 * @param {(segment: Segment) => Promise<void>} onSegment resolves when the next segment may come (back-pressure)
 * @param {(done: { sealedBytes: number, totalBytes: number }) => void} [onProgress]
 * @param {AbortSignal} [signal] stops between slices with its reason
 * @returns {Promise<SealedBid>}
 */
export async function seal(order, onSegment, onProgress = () => {}, signal = undefined) {
  const { binding, parts } = order;
  const isComplete =
    parts.length === binding.parts.length && parts.every((part, i) => part.id === binding.parts[i].id);
  demand(isComplete, "sealing.parts_mismatch");
  const { suite } = order.keyset;
  const totalBytes = demandFits(suite, parts.map((part) => part.content));
  const { header, b, hh, cek } = await makeHeader(binding, order.keyset, order.bidderKeys);
  let sealedBytes = 0;
  /** @type {SealedPart[]} */
  const sealed = [];
  for (const { id, content } of parts) {
    const encryptor = await suite.encryptor(await suite.partKey(cek, id), partContext(id, hh));
    const segmenter = new Segmenter(id, suite, async (segment) => {
      await onSegment(segment);
      sealedBytes += segment.bytes.length;
      onProgress({ sealedBytes, totalBytes });
    });
    let ready = Promise.resolve(encryptor.prefix);
    for await (const slice of oneAhead(paddedSlices(content))) {
      signal?.throwIfAborted();
      // Its chunks are encrypted while the slice before is cut into segments, hashed and sent.
      const next = encryptor.update(slice);
      next.catch(() => {});
      await segmenter.write(await ready);
      ready = next;
    }
    await segmenter.write(await ready);
    await segmenter.write(await encryptor.finalize());
    sealed.push(await segmenter.finish());
  }
  const manifest = makeManifest(b, hh, binding, sealed, suite);
  return {
    header,
    manifest,
    signature: await suite.sign(order.signingKey, manifest),
    envelopeHash: toHex(await suite.digest(manifest)),
    headerHash: toHex(hh),
    parts: sealed,
    sizeBytes: sealed.reduce((sum, part) => sum + part.length, 0),
  };
}

/**
 * The same values; the next one is being read while one is used.
 * @template T
 * @param {AsyncGenerator<T>} values
 * @returns {AsyncGenerator<T>}
 */
async function* oneAhead(values) {
  for (let coming = values.next(); ; ) {
    const { done, value } = await coming;
    if (done) return;
    coming = values.next();
    coming.catch(() => {});
    yield value;
  }
}

/** Cuts a ciphertext into segments and keeps only their digests. */
class Segmenter {
  #id;
  #suite;
  #emit;
  #segment = new Uint8Array(SEGMENT_SIZE);
  #used = 0;
  #length = 0;
  /** @type {Promise<Bytes>[]} */ #digests = [];
  /** @type {Promise<void>} */ #emitted = Promise.resolve();

  /**
   * @param {string} id
   * @param {import("./suite_s1.js").Suite} suite
   * @param {(segment: Segment) => Promise<void>} emit
   */
  constructor(id, suite, emit) {
    this.#id = id;
    this.#suite = suite;
    this.#emit = emit;
  }

  /** @param {Bytes} bytes */
  async write(bytes) {
    for (let at = 0; at < bytes.length; ) {
      const taken = Math.min(bytes.length - at, SEGMENT_SIZE - this.#used);
      this.#segment.set(bytes.subarray(at, at + taken), this.#used);
      this.#used += taken;
      at += taken;
      if (this.#used === SEGMENT_SIZE) await this.#flush();
    }
  }

  /** @returns {Promise<SealedPart>} */
  async finish() {
    if (this.#used > 0) await this.#flush();
    await this.#emitted;
    return { id: this.#id, length: this.#length, root: toHex(await treeRoot(await Promise.all(this.#digests), this.#suite.digest)) };
  }

  async #flush() {
    const isFull = this.#used === SEGMENT_SIZE;
    const bytes = isFull ? this.#segment : this.#segment.slice(0, this.#used);
    this.#segment = new Uint8Array(isFull ? SEGMENT_SIZE : 0);
    this.#used = 0;
    this.#length += bytes.length;
    const leaf = this.#suite.digest(bytes);
    const index = this.#digests.push(leaf) - 1;
    // One segment is hashed and on its way while the next is being encrypted; a failure surfaces at the next segment.
    await this.#emitted;
    this.#emitted = this.#send(index, bytes, leaf);
    this.#emitted.catch(() => {});
  }

  /**
   * @param {number} index
   * @param {Bytes} bytes
   * @param {Promise<Bytes>} leaf
   */
  async #send(index, bytes, leaf) {
    const digest = this.#suite.isSha256 ? await leaf : await sha256(bytes);
    await this.#emit({ part: this.#id, index, bytes, sha256: toHex(digest) });
  }
}
