// @ts-check
/** A bundle as files: a zip of the one fixed form, or a folder, as Blobs that are read when asked for. */

import { hex, Sha256, textOf } from "./bytes.js";
import { splitLines } from "./json.js";
import { demand, Problem, same } from "./problems.js";

const BLOCK = 1 << 20;
const MAX_FILES = 60000;
const MAX_ZIP = 2 ** 32 - 1;
const SUMS = "SHA256SUMS";
const LOCAL = 30;
const CENTRAL = 46;
const END = 22;
const BID = "[0-9a-f]{32}";
const WORD = "[a-z0-9_-]{1,40}";
const ALLOWED = new RegExp(
  `^(?:${[
    SUMS,
    "policy\\.txt|keyset\\.json|tender\\.json|leaves\\.jsonl|opening\\.jsonl|price-schedule-keys\\.jsonl|r-bid\\.jsonl",
    "log/checkpoint|log/checkpoints\\.jsonl|beacons\\.json",
    `headers/${BID}\\.json|manifests/${BID}\\.(?:txt|sig)`,
    `parts/${BID}/${WORD}\\.cob`,
    "gate/(?:0|[1-9][0-9]?)\\.key",
    "draws/[A-Za-z0-9_-]{1,40}\\.(?:txt|pool)",
    "tsa/(?:[1-9][0-9]{0,15})\\.tsr",
  ].join("|")})$`,
);

/** @typedef {{ blob: Blob, crc?: number }} Entry */

/** Gives the page a turn now and then, so that long work does not freeze it. */
export class Breath {
  #last = performance.now();

  async take() {
    if (performance.now() - this.#last < 40) return;
    await new Promise((resolve) => setTimeout(resolve));
    this.#last = performance.now();
  }
}

/** Read access to a bundle. Names are sorted. */
export class Files {
  /** @type {Map<string, Entry>} */ #entries;
  #breath = new Breath();

  /** @param {Map<string, Entry>} entries */
  constructor(entries) {
    this.#entries = entries;
    this.names = [...entries.keys()].sort();
  }

  /** @param {string} name */
  has(name) {
    return this.#entries.has(name);
  }

  /** @param {string} name */
  size(name) {
    return this.#entries.get(name)?.blob.size ?? 0;
  }

  /**
   * The file in blocks of at most 1 MiB, compared with the zip's CRC at the end.
   * @param {string} name
   */
  async *blocks(name) {
    const entry = this.#entries.get(name);
    demand(entry, "files.missing", name);
    let crc = 0;
    for (let at = 0; at < entry.blob.size; at += BLOCK) {
      const block = new Uint8Array(await entry.blob.slice(at, at + BLOCK).arrayBuffer());
      if (entry.crc !== undefined) crc = crc32(block, crc);
      yield block;
      await this.#breath.take();
    }
    demand(entry.crc === undefined || entry.crc === crc, "files.zip", name, { reason: "crc" });
  }

  /**
   * A small file.
   * @param {string} name
   * @param {number} limit in bytes
   */
  async whole(name, limit) {
    demand(this.has(name), "files.missing", name);
    demand(this.size(name) <= limit, "files.too_large", name, { limit });
    const out = new Uint8Array(this.size(name));
    let at = 0;
    for await (const block of this.blocks(name)) {
      out.set(block, at);
      at += block.length;
    }
    return out;
  }
}

/**
 * Files of a folder that was chosen or dropped; paths are relative to it.
 * @param {[string, File][]} found
 */
export function filesOfFolder(found) {
  demand(found.length <= MAX_FILES, "files.too_many", "");
  return new Files(new Map(found.map(([name, blob]) => [name, { blob }])));
}

/**
 * Files of a zip; Problem "files.zip" unless it has the fixed form, byte for byte.
 * @param {Blob} zip
 */
export async function filesOfZip(zip) {
  demand(zip.size >= END && zip.size <= MAX_ZIP, "files.zip", "", { reason: "size" });
  const end = new DataView(await zip.slice(zip.size - END).arrayBuffer());
  const count = end.getUint16(8, true);
  const length = end.getUint32(12, true);
  const start = end.getUint32(16, true);
  const isEnd =
    end.getUint32(0, true) === 0x06054b50 && end.getUint32(4, true) === 0 && end.getUint16(10, true) === count;
  demand(isEnd && count <= MAX_FILES && end.getUint16(20, true) === 0, "files.zip", "", { reason: "end" });
  demand(start + length + END === zip.size, "files.zip", "", { reason: "end" });
  const listed = directory(new Uint8Array(await zip.slice(start, start + length).arrayBuffer()), count);
  demand(count === 0 || listed[0].offset === 0, "files.zip", "", { reason: "gap" });
  /** @type {Map<string, Entry>} */
  const entries = new Map();
  for (const [at, { name, size, crc, offset }] of listed.entries()) {
    const begins = offset + LOCAL + name.length;
    const header = new Uint8Array(await zip.slice(offset, begins).arrayBuffer());
    demand(hex(header) === hex(localHeader(name, size, crc)), "files.zip", name, { reason: "local_header" });
    const following = at + 1 < listed.length ? listed[at + 1].offset : start;
    demand(begins + size === following && !entries.has(name), "files.zip", name, { reason: "gap" });
    entries.set(name, { blob: zip.slice(begins, begins + size), crc });
  }
  return new Files(entries);
}

/**
 * @param {Uint8Array<ArrayBuffer>} raw
 * @param {number} count
 */
function directory(raw, count) {
  const found = [];
  let at = 0;
  for (let i = 0; i < count; i += 1) {
    demand(at + CENTRAL <= raw.length, "files.zip", "", { reason: "directory" });
    const view = new DataView(raw.buffer, at, CENTRAL);
    const crc = view.getUint32(16, true);
    const size = view.getUint32(24, true);
    const offset = view.getUint32(42, true);
    const rawName = raw.subarray(at + CENTRAL, at + CENTRAL + view.getUint16(28, true));
    demand(rawName.every((byte) => byte < 128), "files.zip", "", { reason: "directory" });
    const name = textOf(rawName, "");
    const line = raw.subarray(at, at + CENTRAL + rawName.length);
    const wanted = centralHeader(name, size, crc, offset);
    demand(hex(line) === hex(wanted), "files.zip", "", { reason: "directory" });
    found.push({ name, size, crc, offset });
    at += wanted.length;
  }
  demand(at === raw.length, "files.zip", "", { reason: "directory" });
  const names = found.map((one) => one.name);
  const sorted = [...names].sort((a, b) => Number(a === SUMS) - Number(b === SUMS) || (a < b ? -1 : Number(a > b)));
  demand(names.join("\n") === sorted.join("\n"), "files.zip", "", { reason: "order" });
  return found;
}

/**
 * @param {string} name
 * @param {number} size
 * @param {number} crc
 */
function localHeader(name, size, crc) {
  const view = new DataView(new ArrayBuffer(LOCAL));
  view.setUint32(0, 0x04034b50, true);
  view.setUint16(4, 20, true);
  view.setUint16(12, 0x21, true);
  view.setUint32(14, crc, true);
  view.setUint32(18, size, true);
  view.setUint32(22, size, true);
  view.setUint16(26, name.length, true);
  return named(view, name);
}

/**
 * @param {string} name
 * @param {number} size
 * @param {number} crc
 * @param {number} offset
 */
function centralHeader(name, size, crc, offset) {
  const view = new DataView(new ArrayBuffer(CENTRAL));
  view.setUint32(0, 0x02014b50, true);
  view.setUint16(4, 20, true);
  view.setUint16(6, 20, true);
  view.setUint16(14, 0x21, true);
  view.setUint32(16, crc, true);
  view.setUint32(20, size, true);
  view.setUint32(24, size, true);
  view.setUint16(28, name.length, true);
  view.setUint32(42, offset, true);
  return named(view, name);
}

/**
 * @param {DataView<ArrayBuffer>} view
 * @param {string} name ASCII
 */
function named(view, name) {
  const out = new Uint8Array(view.byteLength + name.length);
  out.set(new Uint8Array(view.buffer));
  for (let at = 0; at < name.length; at += 1) out[view.byteLength + at] = name.charCodeAt(at);
  return out;
}

const CRC = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/**
 * @param {Uint8Array} block
 * @param {number} before
 */
function crc32(block, before) {
  let crc = ~before >>> 0;
  for (let at = 0; at < block.length; at += 1) crc = CRC[(crc ^ block[at]) & 255] ^ (crc >>> 8);
  return ~crc >>> 0;
}

/**
 * V0: every file against the list of digests; how many there are. Throws the first difference as a Problem.
 * @param {Files} files
 * @param {(name: string) => void} [tell]
 */
export async function checkSums(files, tell = () => {}) {
  for (const name of files.names) demand(ALLOWED.test(name), "files.unknown", name);
  /** @type {Map<string, string>} */
  const wanted = new Map();
  for (const line of splitLines(await files.whole(SUMS, 16 * BLOCK), SUMS)) {
    const [, digest, name] = /^([0-9a-f]{64}) {2}([\x21-\x7e]{1,200})$/.exec(line) ?? [];
    demand(digest && !wanted.has(name), "files.sums", SUMS);
    wanted.set(name, digest);
  }
  const listed = [...wanted.keys()];
  demand(listed.join("\n") === [...listed].sort().join("\n"), "files.sums", SUMS);
  for (const name of listed) demand(files.has(name), "files.missing", name);
  for (const name of files.names) if (name !== SUMS && !wanted.has(name)) throw new Problem("files.unlisted", name);
  for (const name of listed) {
    tell(name);
    const digest = new Sha256();
    for await (const block of files.blocks(name)) digest.update(block);
    same(hex(digest.digest()), wanted.get(name), "files.digest", name);
  }
  return wanted.size;
}
