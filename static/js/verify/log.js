// @ts-check
/** V1 to V3: signatures, growth, and every entry within the log. */

import { unbase64, utf8 } from "./bytes.js";
import { readLeaf } from "./evidence.js";
import { Breath } from "./files.js";
import { keysExactly, numberIn, readCanonical, textIn, textsIn } from "./json.js";
import { demand, Problem, same } from "./problems.js";
import { readHead, readTrust } from "./signed.js";
import { checkConsistency, Tree } from "./tree.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {import("./evidence.js").Evidence} Evidence */
/** @typedef {import("./evidence.js").Leaf} Leaf */
/** @typedef {import("./problems.js").Check} Check */
/** @typedef {{ head: import("./signed.js").Head | undefined, proof: Bytes[], where: string }} Link */

const NEWEST = "log/checkpoint";
const EARLIER = "log/checkpoints.jsonl";

/**
 * V1. Returns the checkpoints in order, each with its proof to the next.
 * @param {Check} check
 * @param {Evidence} evidence
 */
export async function checkSignatures(check, evidence) {
  const pinned = evidence.pinnedPolicy;
  if (pinned) {
    await check.attempt(async () => {
      const own = await evidence.ownPolicy();
      const isSame = own.length === pinned.length && own.every((byte, at) => byte === pinned[at]);
      demand(isSame, "policy.differs", "policy.txt");
    });
  } else {
    check.note("policy.not_pinned", "policy.txt");
  }
  const trust = await check.attempt(async () => readTrust(pinned ?? (await evidence.ownPolicy()), "policy.txt"));
  /** @type {Link[]} */
  const found = [];
  if (!trust) return { found, trust };
  const accepted = async (/** @type {Uint8Array} */ note, /** @type {string} */ where) => {
    const head = await readHead(note, trust, evidence.now, where);
    same(head.origin, (await evidence.tender()).origin, "log.origin", where);
    return head;
  };
  try {
    for await (const [where, raw] of evidence.jsonLines(EARLIER)) {
      const line = await check.attempt(() => {
        const value = keysExactly(readCanonical(raw, where), ["size", "note", "consistency"], where);
        const note = textIn(value, "note", where);
        same(note.split("\n")[1], String(numberIn(value, "size", where)), "log.size", where);
        const proof = textsIn(value, "consistency", where).map((one) => unbase64(one, where, 32));
        return { note: utf8(note), proof };
      });
      const head = line ? await check.attempt(() => accepted(line.note, where)) : undefined;
      found.push({ head, proof: line?.proof ?? [], where });
    }
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    check.add(error);
  }
  const newest = await check.attempt(async () => accepted(await evidence.files.whole(NEWEST, 1 << 20), NEWEST));
  found.push({ head: newest, proof: [], where: NEWEST });
  evidence.heads = found.flatMap(({ head }) => head ?? []);
  return { found, trust };
}

/**
 * V2.
 * @param {Check} check
 * @param {Link[]} found
 */
export async function checkGrowth(check, found) {
  await check.attempt(() => demand(found.length, "log.no_head", NEWEST));
  for (let at = 0; at + 1 < found.length; at += 1) {
    const { head, proof, where } = found[at];
    const next = found[at + 1].head;
    if (head && next) await check.attempt(() => checkConsistency(head, next, proof, where));
  }
}

/**
 * V3.
 * @param {Check} check
 * @param {Evidence} evidence
 * @param {import("./signed.js").Head | undefined} newest
 */
export async function checkEntries(check, evidence, newest) {
  if (!newest) {
    check.add(new Problem("log.no_head", NEWEST));
    return;
  }
  const tree = new Tree(newest.size, newest.root);
  const breath = new Breath();
  /** @type {Leaf[]} */
  const leaves = [];
  try {
    for await (const [where, raw] of evidence.jsonLines("leaves.jsonl")) {
      demand(leaves.length < 1_000_000, "files.too_large", where);
      const leaf = await check.attempt(() => readLeaf(raw, tree, where));
      if (leaf) leaves.push(leaf);
      await breath.take();
    }
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    check.add(error);
  }
  const [digests, places] = [new Set(), new Set()];
  let last = [-1, -1];
  for (const leaf of leaves) {
    const place = `${leaf.index}/${leaf.slot}`;
    const isNew = !digests.has(leaf.digest) && !places.has(place);
    digests.add(leaf.digest);
    places.add(place);
    if (!isNew) {
      check.add(new Problem("leaf.twice", leaf.where, { type: leaf.type }));
      continue;
    }
    if (leaf.index < last[0] || (leaf.index === last[0] && leaf.slot < last[1])) {
      check.add(new Problem("leaf.order", leaf.where));
    }
    last = [leaf.index, leaf.slot];
    if (await check.attempt(() => belongs(leaf, evidence))) evidence.leaves.push(leaf);
  }
  await check.attempt(() => streams(evidence));
  await check.attempt(() => needed(evidence));
}

/**
 * @param {Leaf} leaf
 * @param {Evidence} evidence
 */
async function belongs(leaf, evidence) {
  const tender = await evidence.tender();
  if (leaf.kind === "record") {
    const isKind = ["tendering.bid_sealed", "tendering.bid_withdrawn", "tendering.bid_voided"].includes(leaf.type);
    demand(isKind, "leaf.kind", leaf.where, { type: leaf.type });
    same(leaf.stream, `bid:${tender.lot}:${leaf.text("org_id")}`, "leaf.other_lot", leaf.where);
  } else {
    demand(Object.hasOwn(tender.streams, leaf.stream), "leaf.other_stream", leaf.where, { stream: leaf.stream });
  }
  if (leaf.kind !== "closed") same(leaf.text("lot"), tender.lot, "leaf.other_lot", leaf.where);
  return true;
}

/** @param {Evidence} evidence */
async function streams(evidence) {
  const tender = await evidence.tender();
  const own = [`lot:${tender.lot}`, `room:${tender.lot}`];
  const others = Object.keys(tender.streams).filter((name) => !own.includes(name));
  const isWhole = own.every((name) => Object.hasOwn(tender.streams, name)) && others.length > 0;
  demand(isWhole && others.every((name) => name.startsWith("keyset:")), "tender.streams", "tender.json");
  for (const [stream, count] of Object.entries(tender.streams)) {
    const within = evidence.leaves.filter((leaf) => leaf.stream === stream);
    const numbers = within.map((leaf) => leaf.seq).sort((a, b) => a - b);
    const isDense = numbers.length === count && numbers.every((seq, at) => seq === at + 1);
    demand(isDense, "leaf.stream", stream, { count, found: numbers.length });
    const open = within.filter((leaf) => leaf.kind === "public").map((leaf) => leaf.seq);
    demand(open.every((seq, at) => at === 0 || open[at - 1] <= seq), "leaf.order", stream);
  }
}

/** @param {Evidence} evidence */
function needed(evidence) {
  const wanted = new Set();
  for (const leaf of evidence.leaves) wanted.add(evidence.covering(leaf.index)?.size);
  for (const leaf of evidence.of("bid_opening.bids_frozen")) wanted.add(leaf.number("tree_size"));
  for (const leaf of evidence.of("evaluation.committee_drawn")) {
    for (const [, size] of leaf.text("transcript").matchAll(/^checkpoint ([0-9]+) /gm)) wanted.add(Number(size));
  }
  for (const name of evidence.files.names) {
    const [, size] = /^tsa\/([0-9]+)\.tsr$/.exec(name) ?? [];
    if (size) wanted.add(Number(size));
  }
  for (const head of evidence.heads) {
    const isNewest = head === evidence.heads.at(-1);
    const isWanted = wanted.has(head.size) || (isNewest && !evidence.leaves.length);
    demand(isWanted, "log.unneeded", isNewest ? NEWEST : EARLIER, { size: head.size });
  }
}
