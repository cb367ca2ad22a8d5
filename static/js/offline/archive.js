// @ts-check
/** The sealed bid as one tar file (POSIX ustar), written as it is sealed; every tar reader opens it. */

import { concat, utf8 } from "../sealing/bytes.js";
import { Fault } from "./dom.js";

/** @typedef {Uint8Array<ArrayBuffer>} Bytes */

/** Ciphertext bytes kept where a browser cannot write straight to the disk; more may end the tab. */
export const MAX_KEPT_BYTES = 512 * 10 ** 6;
const BLOCK = 512;

/**
 * @typedef {object} Sink
 * @property {(bytes: Bytes) => Promise<void>} write
 * @property {() => Promise<void>} close the file is whole
 * @property {() => Promise<void>} drop nothing is left
 */

/**
 * Where the archive goes: a file chosen now, written while sealing; or the memory of the browser, saved at the end.
 * Null when the person closed the dialogue.
 * @param {string} name
 * @param {number} sizeBytes ciphertext
 * @returns {Promise<Sink | null>}
 */
export async function openSink(name, sizeBytes) {
  const choose = /** @type {any} */ (window).showSaveFilePicker;
  if (typeof choose !== "function") {
    if (sizeBytes > MAX_KEPT_BYTES) {
      throw new Fault(
        "这个浏览器不能边加密边写入磁盘，最多处理 512 MB。请换用 Chrome 或 Edge，或用命令行 centre seal。",
        "This browser cannot write to disk while it seals and takes at most 512 MB. Use Chrome or Edge, or centre seal.",
      );
    }
    return keptSink(name);
  }
  try {
    const types = [{ description: "tar", accept: { "application/x-tar": [".tar"] } }];
    const handle = await choose.call(window, { suggestedName: name, types });
    const file = await handle.createWritable();
    return { write: (bytes) => file.write(bytes), close: () => file.close(), drop: () => file.abort() };
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") return null;
    throw error;
  }
}

/**
 * @param {string} name
 * @returns {Sink}
 */
function keptSink(name) {
  /** @type {Blob[]} */ let kept = [];
  return {
    // A Blob of its own each: browsers move those to the disk when they grow.
    write: async (bytes) => void kept.push(new Blob([bytes])),
    close: async () => {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob(kept, { type: "application/x-tar" }));
      link.download = name;
      link.click();
    },
    drop: async () => void (kept = []),
  };
}

/** Writes members one after another; the size of each is said before its bytes. */
export class TarWriter {
  #sink;
  #seconds;
  #left = 0;
  #padding = 0;

  /**
   * @param {Sink} sink
   * @param {Date} at instant written into every member
   */
  constructor(sink, at) {
    this.#sink = sink;
    this.#seconds = Math.floor(at.getTime() / 1000);
  }

  /**
   * @param {string} name ASCII, at most 100
   * @param {number} size bytes
   */
  async begin(name, size) {
    await this.#end();
    this.#left = size;
    this.#padding = (BLOCK - (size % BLOCK)) % BLOCK;
    await this.#sink.write(memberHeader(name, size, this.#seconds));
  }

  /** @param {Bytes} bytes of the member begun last */
  async write(bytes) {
    this.#left -= bytes.length;
    if (this.#left < 0) throw new RangeError("a member grew");
    await this.#sink.write(bytes);
  }

  /**
   * @param {string} name
   * @param {Bytes} bytes
   */
  async add(name, bytes) {
    await this.begin(name, bytes.length);
    await this.write(bytes);
  }

  async finish() {
    await this.#end();
    await this.#sink.write(new Uint8Array(2 * BLOCK));
    await this.#sink.close();
  }

  async #end() {
    if (this.#left !== 0) throw new RangeError("a member is short");
    if (this.#padding > 0) await this.#sink.write(new Uint8Array(this.#padding));
    this.#padding = 0;
  }
}

/**
 * @param {string} name
 * @param {number} size
 * @param {number} seconds
 * @returns {Bytes}
 */
function memberHeader(name, size, seconds) {
  const octal = (/** @type {number} */ value, /** @type {number} */ digits) => value.toString(8).padStart(digits, "0");
  const header = new Uint8Array(BLOCK);
  const put = (/** @type {number} */ at, /** @type {string} */ text) => header.set(utf8(text), at);
  put(0, name);
  put(100, "0000600\0");
  put(108, "0000000\0");
  put(116, "0000000\0");
  put(124, `${octal(size, 11)}\0`);
  put(136, `${octal(seconds, 11)}\0`);
  put(148, "        ");
  put(156, "0");
  put(257, "ustar\x0000");
  put(148, `${octal(header.reduce((sum, byte) => sum + byte, 0), 6)}\0 `);
  return concat(header);
}
