// @ts-check
/**
 * Padding of a part: ciphertext length shows plaintext length, so every part is filled up to a Padmé size (at most
 * 12 % more) and never below 4 KiB, which hides how many digits a price has.
 */

import { concat } from "./bytes.js";
import { demand, SealingError } from "./errors.js";

export const MAX_CONTENT_SIZE = 2 ** 30;
/** A file is read in slices of this many bytes and never held whole. */
export const SLICE_SIZE = 1 << 20;

const LENGTH_SIZE = 8;
const SMALLEST = 4096;

/**
 * Bytes a part occupies before encryption.
 * @param {number} contentSize in bytes, at most 1 GiB
 * @returns {number}
 */
export function paddedSize(contentSize) {
  demand(contentSize >= 0 && contentSize <= MAX_CONTENT_SIZE, "sealing.too_large", { size: contentSize });
  const length = LENGTH_SIZE + contentSize;
  const exponent = 31 - Math.clz32(length);
  const kept = 32 - Math.clz32(exponent);
  const step = 2 ** (exponent - kept);
  return Math.max(SMALLEST, Math.ceil(length / step) * step);
}

/**
 * The padded part as a stream of slices of about 1 MiB.
 * @param {Blob} content
 * @returns {AsyncGenerator<Uint8Array<ArrayBuffer>, void, void>}
 */
export async function* paddedSlices(content) {
  const total = paddedSize(content.size);
  yield lengthPrefix(content.size);
  for (let at = 0; at < content.size; at += SLICE_SIZE) {
    const slice = await read(content.slice(at, Math.min(at + SLICE_SIZE, content.size)));
    demand(slice.length === Math.min(SLICE_SIZE, content.size - at), "sealing.file_changed");
    yield slice;
  }
  for (let left = total - LENGTH_SIZE - content.size; left > 0; left -= SLICE_SIZE) {
    yield new Uint8Array(Math.min(SLICE_SIZE, left));
  }
}

/**
 * The content of a padded part; a wrong total or a padding byte other than zero is refused.
 * @param {Uint8Array<ArrayBuffer>} padded
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function unpad(padded) {
  demand(padded.length >= SMALLEST, "sealing.bad_payload");
  const size = Number(new DataView(padded.buffer, padded.byteOffset, LENGTH_SIZE).getBigUint64(0));
  demand(size <= MAX_CONTENT_SIZE && paddedSize(size) === padded.length, "sealing.bad_payload");
  const end = LENGTH_SIZE + size;
  demand(padded.subarray(end).every((byte) => byte === 0), "sealing.bad_payload");
  return padded.slice(LENGTH_SIZE, end);
}

/** @param {number} size */
function lengthPrefix(size) {
  const prefix = new Uint8Array(LENGTH_SIZE);
  new DataView(prefix.buffer).setBigUint64(0, BigInt(size));
  return concat(prefix);
}

/** @param {Blob} slice */
async function read(slice) {
  try {
    return new Uint8Array(await slice.arrayBuffer());
  } catch (error) {
    // Browsers refuse to read on when the file on disk was edited after it was chosen.
    if (error instanceof DOMException) throw new SealingError("sealing.file_changed");
    throw error;
  }
}
