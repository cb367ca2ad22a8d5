// @ts-check
/** Reading the archive of the offline encryptor (POSIX ustar): an index of slices, nothing of it is copied. */

import { utf8 } from "../sealing/bytes.js";
import { Refused, say } from "./page.js";

const BLOCK = 512;
const MAX_MEMBERS = 64;
const MAX_TEXT_BYTES = 1 << 20;
const TEXTS = ["header.json", "manifest.txt", "signature.bin", "keyset.json", "bid.json"];
const PART = /^parts\/([a-z0-9_-]{1,40})\.cob$/;

/** @typedef {Uint8Array<ArrayBuffer>} Bytes */

/**
 * @typedef {object} Archive
 * @property {(name: string) => Promise<Bytes>} text a small member whole
 * @property {Map<string, Blob>} parts ciphertext by part
 */

/** @returns {Refused} */
export function notAnArchive() {
  return new Refused(
    say("这不是离线加密工具保存的文件，或者没有保存完整。", "This is not a file of the offline encryptor, or it was not saved whole."),
    [],
  );
}

/**
 * @param {Blob} file
 * @returns {Promise<Archive>}
 */
export async function readArchive(file) {
  /** @type {Map<string, Blob>} */ const members = new Map();
  let at = 0;
  for (;;) {
    const header = new Uint8Array(await file.slice(at, at + BLOCK).arrayBuffer());
    if (header.length < BLOCK) throw notAnArchive();
    if (header.every((byte) => byte === 0)) break;
    const { name, size } = readMember(header);
    at += BLOCK;
    if (members.has(name) || members.size >= MAX_MEMBERS || at + size > file.size) throw notAnArchive();
    members.set(name, file.slice(at, at + size));
    at += Math.ceil(size / BLOCK) * BLOCK;
  }
  /** @type {Map<string, Blob>} */ const parts = new Map();
  for (const [name, content] of members) {
    const part = PART.exec(name);
    if (part) parts.set(part[1], content);
    else if (!TEXTS.includes(name) || content.size > MAX_TEXT_BYTES) throw notAnArchive();
  }
  return {
    parts,
    text: async (name) => {
      const content = members.get(name);
      if (!content) throw notAnArchive();
      return new Uint8Array(await content.arrayBuffer());
    },
  };
}

/** @param {Bytes} header */
function readMember(header) {
  const text = (/** @type {number} */ from, /** @type {number} */ length) => {
    const field = header.subarray(from, from + length);
    const end = field.indexOf(0);
    return String.fromCharCode(...(end < 0 ? field : field.subarray(0, end)));
  };
  const octal = (/** @type {string} */ field) => (/^[0-7]{1,11} ?$/.test(field) ? parseInt(field, 8) : NaN);
  const sum = header.reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 32 : byte), 0);
  const [name, size] = [text(0, 100), octal(text(124, 12))];
  const isPlain = text(257, 6).startsWith("ustar") && ["0", ""].includes(text(156, 1));
  const isTrue = octal(text(148, 8)) === sum && Number.isInteger(size) && utf8(name).length === name.length;
  if (!isPlain || !isTrue) throw notAnArchive();
  return { name, size };
}
