// @ts-check
/**
 * The C2SP chunked-encryption format. With AEAD_AES_256_GCM and HKDF-Expand-SHA-512 from WebCrypto it is
 * Cobblestone-256; another suite brings its own {@link ChunkCipher}.
 *
 * ciphertext = salt (24) ‖ commitment (32) ‖ AEAD of each 16 KiB chunk. Every chunk is full except the last,
 * which is shorter (perhaps empty), so a cut file cannot pass for a whole one. The commitment fixes the key: no second
 * key opens the same bytes.
 */

import { concat, isSame, randomBytes, utf8 } from "./bytes.js";
import { demand, SealingError } from "./errors.js";
import { hkdfExpand } from "./hkdf.js";

export const KEY_SIZE = 32;
export const SALT_SIZE = 24;
export const PREFIX_SIZE = 56;
export const CHUNK_SIZE = 16384;
export const TAG_SIZE = 16;
/** Chunk operations in flight: one by one is nine times slower, more only costs memory. */
export const CHUNKS_IN_FLIGHT = 64;

const NONCE_SIZE = 12;
const MAX_CHUNKS = 2 ** 38;
const SEALED_CHUNK_SIZE = CHUNK_SIZE + TAG_SIZE;

/**
 * @typedef {object} OpenedKey
 * @property {(nonce: Uint8Array<ArrayBuffer>, chunk: Uint8Array<ArrayBuffer>) => Promise<Uint8Array<ArrayBuffer>>} seal
 * @property {(nonce: Uint8Array<ArrayBuffer>, sealed: Uint8Array<ArrayBuffer>) => Promise<Uint8Array<ArrayBuffer> | undefined>} open
 *   undefined when the tag does not hold
 *
 * @typedef {object} ChunkCipher
 * @property {Uint8Array<ArrayBuffer>} label with its final NUL
 * @property {number} keySize bytes
 * @property {(key: Uint8Array<ArrayBuffer>, info: Uint8Array<ArrayBuffer>, length: number) => Promise<Uint8Array<ArrayBuffer>>} expand
 * @property {(key: Uint8Array<ArrayBuffer>) => Promise<OpenedKey>} open
 */

/** @type {ChunkCipher} */
export const AES_256_GCM = {
  label: utf8("c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0"),
  keySize: 32,
  expand: hkdfExpand,
  open: async (raw) => {
    const key = await crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt", "decrypt"]);
    return {
      seal: async (iv, chunk) => new Uint8Array(await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, chunk)),
      open: async (iv, sealed) => {
        try {
          return new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv }, key, sealed));
        } catch (error) {
          if (error instanceof DOMException) return undefined;
          throw error;
        }
      },
    };
  },
};

/**
 * Ciphertext length of a plaintext length.
 * @param {number} plainSize in bytes
 * @returns {number}
 */
export function sealedSize(plainSize) {
  return PREFIX_SIZE + plainSize + TAG_SIZE * (Math.floor(plainSize / CHUNK_SIZE) + 1);
}

/**
 * @typedef {object} Schedule
 * @property {OpenedKey} key
 * @property {Uint8Array<ArrayBuffer>} baseNonce
 * @property {Uint8Array<ArrayBuffer>} commitment
 */

/**
 * @param {Uint8Array<ArrayBuffer>} inputKey
 * @param {Uint8Array<ArrayBuffer>} salt
 * @param {Uint8Array<ArrayBuffer>} context
 * @param {ChunkCipher} cipher
 * @returns {Promise<Schedule>}
 */
async function schedule(inputKey, salt, context, cipher) {
  demand(inputKey.length === KEY_SIZE, "sealing.bad_length");
  const { label, keySize } = cipher;
  const stream = await cipher.expand(inputKey, concat(label, salt, context), keySize + NONCE_SIZE + 32);
  return {
    key: await cipher.open(stream.slice(0, keySize)),
    baseNonce: stream.slice(keySize, keySize + NONCE_SIZE),
    commitment: stream.slice(keySize + NONCE_SIZE),
  };
}

/**
 * Base nonce XOR chunk number, big-endian. Bytes are taken by division: bit operators would cut numbers at 32 bits.
 * @param {Uint8Array<ArrayBuffer>} baseNonce
 * @param {number} chunk
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function chunkNonce(baseNonce, chunk) {
  demand(chunk < MAX_CHUNKS, "sealing.payload_too_large");
  const nonce = baseNonce.slice();
  for (let at = NONCE_SIZE - 1, rest = chunk; rest > 0; at -= 1, rest = Math.floor(rest / 256)) nonce[at] ^= rest % 256;
  return nonce;
}

/**
 * Run one operation a chunk over a buffer, {@link CHUNKS_IN_FLIGHT} at a time, and join the results in order.
 * @param {Uint8Array<ArrayBuffer>} input whole chunks, the last may be short
 * @param {number} inputStep
 * @param {number} outputStep
 * @param {(chunk: Uint8Array<ArrayBuffer>, offset: number) => Promise<Uint8Array<ArrayBuffer>>} work
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
async function mapChunks(input, inputStep, outputStep, work) {
  const count = Math.ceil(input.length / inputStep);
  const output = new Uint8Array(Math.max(0, input.length + count * (outputStep - inputStep)));
  for (let first = 0; first < count; first += CHUNKS_IN_FLIGHT) {
    const last = Math.min(count, first + CHUNKS_IN_FLIGHT);
    const running = [];
    for (let i = first; i < last; i += 1) running.push(work(input.subarray(i * inputStep, (i + 1) * inputStep), i));
    const done = await Promise.all(running);
    done.forEach((result, i) => output.set(result, (first + i) * outputStep));
  }
  return output;
}

/** Encrypts a stream of any slicing; memory is one slice and one partial chunk. */
export class ChunkedEncryptor {
  /** @type {Schedule} */ #schedule;
  #pending = new Uint8Array(0);
  #next = 0;
  #isDone = false;

  /**
   * @param {Schedule} derived
   * @param {Uint8Array<ArrayBuffer>} prefix
   */
  constructor(derived, prefix) {
    this.#schedule = derived;
    /** Salt and commitment: the first 56 bytes of the ciphertext. */
    this.prefix = prefix;
  }

  /**
   * A fresh encryptor with its own random salt. There is no way to pass a salt: a repeated one would repeat nonces.
   * @param {Uint8Array<ArrayBuffer>} inputKey 32 bytes
   * @param {Uint8Array<ArrayBuffer>} context bound to the ciphertext, not stored in it
   * @param {ChunkCipher} [cipher]
   * @returns {Promise<ChunkedEncryptor>}
   */
  static async create(inputKey, context, cipher = AES_256_GCM) {
    const salt = randomBytes(SALT_SIZE);
    const derived = await schedule(inputKey, salt, context, cipher);
    return new ChunkedEncryptor(derived, concat(salt, derived.commitment));
  }

  /**
   * Ciphertext of every chunk that is now full. The next call may come before this one has resolved: chunks are numbered
   * in the order of the calls.
   * @param {Uint8Array<ArrayBuffer>} plain
   * @returns {Promise<Uint8Array<ArrayBuffer>>}
   */
  async update(plain) {
    demand(!this.#isDone, "sealing.already_finished");
    const input = this.#pending.length ? concat(this.#pending, plain) : plain;
    const whole = input.length - (input.length % CHUNK_SIZE);
    this.#pending = input.slice(whole);
    return this.#encrypt(input.subarray(0, whole));
  }

  /**
   * The last, short chunk.
   * @returns {Promise<Uint8Array<ArrayBuffer>>}
   */
  async finalize() {
    demand(!this.#isDone, "sealing.already_finished");
    this.#isDone = true;
    const { key, baseNonce } = this.#schedule;
    const nonce = chunkNonce(baseNonce, this.#next);
    return key.seal(nonce, this.#pending);
  }

  /** @param {Uint8Array<ArrayBuffer>} whole */
  async #encrypt(whole) {
    const { key, baseNonce } = this.#schedule;
    const first = this.#next;
    this.#next += whole.length / CHUNK_SIZE;
    return mapChunks(whole, CHUNK_SIZE, SEALED_CHUNK_SIZE, (chunk, i) =>
      key.seal(chunkNonce(baseNonce, first + i), chunk),
    );
  }
}

/**
 * Decrypt a whole ciphertext held in memory (self-test and small parts). Nothing is returned unless every chunk and
 * the end verify. Throws SealingError "sealing.wrong_key" when the commitment differs, "sealing.bad_payload" else.
 * @param {Uint8Array<ArrayBuffer>} inputKey
 * @param {Uint8Array<ArrayBuffer>} context
 * @param {Uint8Array<ArrayBuffer>} sealed
 * @param {ChunkCipher} [cipher]
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
export async function decryptChunked(inputKey, context, sealed, cipher = AES_256_GCM) {
  demand(sealed.length >= PREFIX_SIZE + TAG_SIZE, "sealing.bad_payload");
  const derived = await schedule(inputKey, sealed.slice(0, SALT_SIZE), context, cipher);
  demand(isSame(derived.commitment, sealed.subarray(SALT_SIZE, PREFIX_SIZE)), "sealing.wrong_key");
  const body = sealed.subarray(PREFIX_SIZE);
  // The last chunk is shorter than a full one and carries at least its tag; any other length was cut or extended.
  demand(body.length % SEALED_CHUNK_SIZE >= TAG_SIZE, "sealing.bad_payload");
  return mapChunks(body, SEALED_CHUNK_SIZE, CHUNK_SIZE, async (chunk, i) => {
    const plain = await derived.key.open(chunkNonce(derived.baseNonce, i), chunk);
    if (plain === undefined) throw new SealingError("sealing.bad_payload");
    return plain;
  });
}
