// @ts-check
/** What a bundle says, and which of its leaves were proven. Later checks know proven leaves only. */

import { base64, hex, sha256, unbase64, unhex, utf8 } from "./bytes.js";
import { canonical, FORM, instantOf, isObject, keysExactly, listIn, numberIn, objectIn, readCanonical, textIn, textsIn } from "./json.js";
import { demand, same } from "./problems.js";
import { readHeader, readHolders, readManifest } from "./papers.js";
import { leafHash, nodeHash } from "./tree.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {import("./json.js").Obj} Obj */
/** @typedef {import("./signed.js").Head} Head */
/** @typedef {{ bid: string, bidder: string, org: string, name: string, seat: number, signingKey: Bytes }} Bidder */
/** @typedef {{ bid: string, rev: number, leafIndex: number, envelopeHash: string, line: string }} Frozen */

const MIB = 1 << 20;
const MAX_LINE = 4 * MIB;
const STREAM = /^[a-z_]{1,20}:[A-Za-z0-9._:-]{1,99}$/;
const TYPE = /^[a-z_]{1,40}\.[a-z_]{1,60}$/;
const EVENT = ["at", "data", "entry", "seq", "stream", "type"];
const TENDER = "format tier clock lot tender lot_code name suite deadline_at origin streams bids".split(" ");

/** A proven leaf: public, record (private, opened) or closed (private, digest only). */
export class Leaf {
  /** @param {{ index: number, kind: string, type?: string, stream: string, seq: number, at?: string, data?: Obj, slot?: number, digest: string }} facts */
  constructor({ index, kind, type = "", stream, seq, at = "", data = {}, slot = -1, digest }) {
    this.index = index;
    this.kind = kind;
    this.type = type;
    this.stream = stream;
    this.seq = seq;
    this.at = at;
    this.data = data;
    this.slot = slot;
    this.digest = digest;
    this.where = `leaves.jsonl leaf ${index}${kind === "public" ? "" : ` slot ${slot}`}`;
  }

  /** @param {string} key */
  text(key) {
    return textIn(this.data, key, this.where);
  }

  /** @param {string} key */
  number(key) {
    return numberIn(this.data, key, this.where);
  }

  /** @param {string} key */
  texts(key) {
    return textsIn(this.data, key, this.where);
  }

  /**
   * @param {string} key
   * @returns {Obj[]}
   */
  objects(key) {
    const found = listIn(this.data, key, this.where);
    demand(found.every(isObject), "format.value", this.where, { key });
    return found;
  }
}

/** A bundle and what was established about it so far. */
export class Evidence {
  /** @type {Head[]} */ heads = [];
  /** @type {Leaf[]} */ leaves = [];
  /** @type {Map<string, Bytes | undefined>} */ rGates = new Map();
  #kept = new Map();

  /**
   * @param {import("./files.js").Files} files
   * @param {Bytes | null} pinnedPolicy
   * @param {number | null} now in seconds
   */
  constructor(files, pinnedPolicy, now) {
    this.files = files;
    this.pinnedPolicy = pinnedPolicy;
    this.now = now;
  }

  /**
   * Read once; a problem is found again each time it is asked for.
   * @template T
   * @param {string} name
   * @param {() => Promise<T>} read
   * @returns {Promise<T>}
   */
  async #once(name, read) {
    if (!this.#kept.has(name)) this.#kept.set(name, await read());
    return this.#kept.get(name);
  }

  tender() {
    return this.#once("tender", async () => readTender(await this.files.whole("tender.json", 16 * MIB)));
  }

  holders() {
    return this.#once("holders", async () =>
      readHolders(await this.files.whole("keyset.json", 32 * 1024), "keyset.json"),
    );
  }

  /** @param {string} bid */
  header(bid) {
    const name = `headers/${bid}.json`;
    return this.#once(name, async () => {
      const header = readHeader(await this.files.whole(name, 65_536), name);
      same(header.suite.name, (await this.tender()).suite, "bid.suite", name);
      return header;
    });
  }

  /** @param {string} bid */
  manifestBytes(bid) {
    return this.files.whole(`manifests/${bid}.txt`, 8192);
  }

  /** @param {string} bid */
  async manifest(bid) {
    const where = `manifests/${bid}.txt`;
    const found = readManifest(await this.manifestBytes(bid), where);
    demand(found.suite.name === (await this.tender()).suite, "format.manifest", where);
    return found;
  }

  ownPolicy() {
    return this.files.whole("policy.txt", 100_000);
  }

  /**
   * Place and bytes of each line of a `.jsonl`.
   * @param {string} name
   * @returns {AsyncGenerator<[string, Uint8Array]>}
   */
  async *jsonLines(name) {
    demand(this.files.has(name), "files.missing", name);
    let held = new Uint8Array(0);
    let number = 0;
    for await (const block of this.files.blocks(name)) {
      const joined = new Uint8Array(held.length + block.length);
      joined.set(held);
      joined.set(block, held.length);
      let from = 0;
      for (let at = joined.indexOf(10); at >= 0; at = joined.indexOf(10, from)) {
        number += 1;
        yield [`${name} line ${number}`, joined.subarray(from, at)];
        from = at + 1;
      }
      held = joined.slice(from);
      demand(held.length <= MAX_LINE, "files.too_large", name, { limit: MAX_LINE });
    }
    demand(held.length === 0, "format.lines", name);
  }

  /** @param {...string} types */
  of(...types) {
    return this.leaves.filter((leaf) => leaf.kind === "public" && types.includes(leaf.type));
  }

  /** @param {...string} types */
  records(...types) {
    return this.leaves.filter((leaf) => leaf.kind === "record" && types.includes(leaf.type));
  }

  /** @param {string} type */
  one(type) {
    const found = this.of(type);
    demand(found.length, "leaf.missing", "leaves.jsonl", { type });
    demand(found.length === 1, "leaf.twice", found.at(-1)?.where, { type });
    return found[0];
  }

  /** @returns {Frozen[]} */
  frozen() {
    const leaf = this.one("bid_opening.bids_frozen");
    const found = leaf.objects("bids").map((one) => {
      keysExactly(one, ["bid", "rev", "leaf_index", "envelope_hash"], leaf.where);
      const bid = textIn(one, "bid", leaf.where, FORM.hex16);
      const rev = numberIn(one, "rev", leaf.where);
      const leafIndex = numberIn(one, "leaf_index", leaf.where);
      const envelopeHash = textIn(one, "envelope_hash", leaf.where, FORM.hex32);
      return { bid, rev, leafIndex, envelopeHash, line: `${bid} ${rev} ${leafIndex} ${envelopeHash}` };
    });
    demand(new Set(found.map((one) => one.bid)).size === found.length, "freeze.bid_twice", leaf.where);
    return found;
  }

  /** @param {number} index */
  covering(index) {
    return this.heads.find((head) => head.size > index);
  }
}

/** @param {Uint8Array} raw */
function readTender(raw) {
  const where = "tender.json";
  const value = keysExactly(readCanonical(raw, where), TENDER, where);
  same(value.format, "etender-bundle/v1", "tender.format", where);
  const tier = textIn(value, "tier", where);
  const clock = textIn(value, "clock", where);
  demand(["public", "regulator"].includes(tier) && ["civil", "demo"].includes(clock), "format.value", where);
  const streams = objectIn(value, "streams", where);
  for (const name of Object.keys(streams)) {
    demand(STREAM.test(name), "format.value", where, { key: "streams" });
    numberIn(streams, name, where);
  }
  const deadlineAt = textIn(value, "deadline_at", where);
  instantOf(deadlineAt, where);
  return {
    tier,
    isDemo: clock === "demo",
    lot: textIn(value, "lot", where, FORM.token),
    tender: textIn(value, "tender", where, FORM.token),
    lotCode: textIn(value, "lot_code", where, FORM.token),
    name: textIn(value, "name", where),
    suite: textIn(value, "suite", where, FORM.token),
    deadlineAt,
    origin: textIn(value, "origin", where),
    streams: /** @type {Record<string, number>} */ (streams),
    bids: listIn(value, "bids", where).map((one) => readBidder(one, where)),
  };
}

/**
 * @param {unknown} value
 * @param {string} where
 * @returns {Bidder}
 */
function readBidder(value, where) {
  const one = keysExactly(value, ["bid", "bidder", "org", "name", "seat", "signing_key"], where);
  return {
    bid: textIn(one, "bid", where, FORM.hex16),
    bidder: textIn(one, "bidder", where, FORM.token),
    org: textIn(one, "org", where, FORM.token),
    name: textIn(one, "name", where),
    seat: numberIn(one, "seat", where),
    signingKey: unhex(textIn(one, "signing_key", where, FORM.point), where),
  };
}

/**
 * One line of leaves.jsonl, proven to be in the tree.
 * @param {Uint8Array} raw
 * @param {import("./tree.js").Tree} tree
 * @param {string} where
 */
export function readLeaf(raw, tree, where) {
  const value = readCanonical(raw, where);
  const index = numberIn(value, "index", where);
  const path = textsIn(value, "proof", where).map((one) => unbase64(one, where, 32));
  if (Object.hasOwn(value, "entry")) {
    const beside = Object.hasOwn(value, "data") ? ["data"] : [];
    keysExactly(value, ["index", "entry", "proof", ...beside], where);
    const entry = textIn(value, "entry", where);
    tree.prove(index, leafHash(utf8(entry)), path, where);
    demand(entry.startsWith("etender/v1 p "), "leaf.form", where);
    const digest = hex(sha256(utf8(entry)));
    return readEvent(index, "public", entry.slice(13), beside.length ? value.data : undefined, -1, digest, where);
  }
  const slot = numberIn(value, "slot", where);
  demand(slot < 1024, "log.unblinding", where, { reason: "slot" });
  if (Object.hasOwn(value, "record")) {
    keysExactly(value, ["index", "nonce", "record", "slot", "slot_proof", "proof"], where);
    const record = textIn(value, "record", where);
    const nonce = textIn(value, "nonce", where, FORM.hex32);
    const digest = sha256(utf8(`etender-leaf/v1\n${nonce}\n${base64(utf8(record))}\n`));
    proveSlot(tree, index, slot, digest, value, path, where);
    return readEvent(index, "record", record, undefined, slot, hex(digest), where);
  }
  keysExactly(value, ["index", "digest", "seq", "slot", "slot_proof", "stream", "proof"], where);
  const digest = unhex(textIn(value, "digest", where), where, 32);
  proveSlot(tree, index, slot, digest, value, path, where);
  const stream = textIn(value, "stream", where, STREAM);
  return new Leaf({ index, kind: "closed", stream, seq: numberIn(value, "seq", where), slot, digest: hex(digest) });
}

/**
 * @param {import("./tree.js").Tree} tree
 * @param {number} index
 * @param {number} slot
 * @param {Bytes} digest
 * @param {Obj} value
 * @param {Bytes[]} path
 * @param {string} where
 */
function proveSlot(tree, index, slot, digest, value, path, where) {
  const steps = textsIn(value, "slot_proof", where).map((one) => unbase64(one, where, 32));
  demand(steps.length === 10, "log.unblinding", where, { reason: "length" });
  let node = leafHash(digest);
  steps.forEach((step, level) => {
    node = (slot >> level) & 1 ? nodeHash(step, node) : nodeHash(node, step);
  });
  tree.prove(index, leafHash(utf8(`etender/v1 c ${hex(node)}`)), path, where);
}

/**
 * @param {number} index
 * @param {string} kind
 * @param {string} body
 * @param {unknown} beside
 * @param {number} slot
 * @param {string} digest
 * @param {string} where
 */
function readEvent(index, kind, body, beside, slot, digest, where) {
  const value = readCanonical(utf8(body), where);
  let data;
  if (Object.hasOwn(value, "data_sha256")) {
    keysExactly(value, EVENT.map((key) => (key === "data" ? "data_sha256" : key)), where);
    demand(isObject(beside), "leaf.form", where, { reason: "data" });
    same(hex(sha256(utf8(canonical(beside)))), value.data_sha256, "leaf.data", where);
    data = beside;
  } else {
    demand(beside === undefined, "leaf.form", where, { reason: "data" });
    keysExactly(value, EVENT, where);
    data = objectIn(value, "data", where);
  }
  textIn(value, "entry", where, FORM.hex32);
  const at = textIn(value, "at", where);
  instantOf(at, where);
  const [type, stream] = [textIn(value, "type", where, TYPE), textIn(value, "stream", where, STREAM)];
  return new Leaf({ index, kind, type, stream, seq: numberIn(value, "seq", where), at, data, slot, digest });
}

