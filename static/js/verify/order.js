// @ts-check
/** V11 and V12: the order of events, and what is weak although it is lawful. */

import { needsSuite } from "./bids.js";
import { hex } from "./bytes.js";
import { demand, Problem, same } from "./problems.js";

/** @typedef {import("./evidence.js").Evidence} Evidence */
/** @typedef {import("./evidence.js").Leaf} Leaf */
/** @typedef {import("./problems.js").Check} Check */

const GATE_KEY = "keyholding.gate_key_released";
const ORDER = [
  ["tendering.lot_published"],
  ["tendering.bids_closed"],
  ["bid_opening.bids_frozen"],
  ["bid_opening.list_published"],
  ["bid_opening.window_opened"],
  ["bid_opening.share_released", "bid_opening.escrow_opened"],
  ["bid_opening.window_closed"],
  [GATE_KEY],
  ["bid_opening.gate_released"],
  ["bid_opening.coefficient_drawn", "bid_opening.nothing_drawn"],
  ["bid_opening.price_decrypted", "bid_opening.bid_unreadable"],
  ["bid_opening.line_read"],
  ["bid_opening.closed"],
  ["bid_opening.record_issued"],
];

/**
 * V11.
 * @param {Check} check
 * @param {Evidence} evidence
 */
export async function checkOrder(check, evidence) {
  /** @type {Leaf | undefined} */
  let last;
  for (const types of ORDER) {
    const group = [...evidence.of(...types)].sort((a, b) => a.index - b.index);
    if (!group.length) {
      if (types[0] !== "bid_opening.line_read") check.add(new Problem("leaf.missing", "leaves.jsonl", { type: types[0] }));
      continue;
    }
    const before = last;
    if (before) {
      const names = { before: before.type, after: group[0].type };
      await check.attempt(() => demand(before.index < group[0].index, "order.wrong", group[0].where, names));
    }
    // A key that comes after enough others is late, not early.
    last = types[0] === GATE_KEY ? group[0] : group[group.length - 1];
  }
  await check.attempt(() => enoughKeysBefore(evidence));
  await check.attempt(() => enoughBids(evidence));
  await check.attempt(() => beaconBetween(evidence));
  await check.attempt(() => cosignedBetween(evidence, "bid_opening.bids_frozen", "bid_opening.window_opened"));
  await check.attempt(() => cosignedBetween(evidence, "bid_opening.window_closed", GATE_KEY));
  await check.attempt(() => {
    const failed = evidence.of("bid_opening.failed", "bid_opening.aborted");
    demand(!failed.length, "order.failed", failed[0]?.where);
  });
}

/** @param {Evidence} evidence */
async function enoughKeysBefore(evidence) {
  const [released] = evidence.of("bid_opening.gate_released");
  if (!released) return;
  const { gateThreshold } = await evidence.holders();
  const early = evidence.of(GATE_KEY).filter((leaf) => leaf.index < released.index).length;
  demand(early >= gateThreshold, "order.wrong", released.where, { keys: early });
}

/**
 * As many bids frozen, and as many released or escrowed, as the notice asks for.
 * @param {Evidence} evidence
 */
function enoughBids(evidence) {
  const [published, closed] = [evidence.one("tendering.lot_published"), evidence.one("bid_opening.window_closed")];
  const [least, needed] = [numberOr0(published, "min_bidders"), numberOr0(published, "min_decrypted")];
  const frozen = evidence.frozen().length;
  demand(frozen >= least, "order.too_few", closed.where, { frozen, minimum: least });
  same(numberOr0(closed, "minimum"), needed, "order.minimum", closed.where);
  const readable = new Set([...closed.texts("released"), ...closed.texts("escrowed")]).size;
  demand(readable >= needed, "order.too_few", closed.where, { readable, minimum: needed });
}

/**
 * A number of an entry, 0 where an older one does not have it.
 * @param {Leaf} leaf
 * @param {string} key
 */
function numberOr0(leaf, key) {
  return Object.hasOwn(leaf.data, key) ? leaf.number(key) : 0;
}

/**
 * A beacon's value is on record after the freeze and before any draw.
 * @param {Evidence} evidence
 */
function beaconBetween(evidence) {
  const [frozen, drawn] = [evidence.of("bid_opening.bids_frozen"), evidence.of("bid_opening.coefficient_drawn")];
  for (const { index, where } of evidence.of("bid_opening.beacon_received")) {
    const isBetween = frozen.every((leaf) => leaf.index < index) && drawn.every((leaf) => index < leaf.index);
    demand(isBetween, "order.wrong", where, { type: "bid_opening.beacon_received" });
  }
}

/**
 * A checkpoint covers the one and not yet the other: who did the second could have seen proof of the first.
 * @param {Evidence} evidence
 * @param {string} first
 * @param {string} then
 */
function cosignedBetween(evidence, first, then) {
  const low = evidence.of(first).at(-1);
  const high = evidence.of(then)[0];
  if (!low || !high) return;
  const isThere = evidence.heads.some((head) => head.size > low.index && head.size <= high.index);
  demand(isThere, "order.not_cosigned", high.where, { before: first, after: then });
}

/**
 * V12.
 * @param {Check} check
 * @param {Evidence} evidence
 * @param {import("./signed.js").Trust | undefined} trust
 */
export async function checkWeaknesses(check, evidence, trust) {
  await check.attempt(async () => {
    if (!trust) return;
    if (trust.quorum === "none") check.warn("policy.no_quorum", "policy.txt");
    const own = trust.logs.map((key) => hex(key.raw));
    for (const [name, key] of trust.cosigners) {
      if (own.includes(hex(key.raw))) check.warn("policy.log_cosigns_itself", "policy.txt", { cosigner: name });
    }
    const { cosigners = [] } = evidence.heads.at(-1) ?? {};
    if (trust.quorum !== "none" && cosigners.length === 1) {
      check.warn("policy.one_cosigner", "policy.txt", { cosigner: cosigners[0] });
    }
  });
  await check.attempt(async () => {
    const { gate, escrow } = await evidence.holders();
    const sides = gate.map((holder) => holder.side);
    for (const side of new Set(sides.filter((one, at) => sides.indexOf(one) !== at))) {
      check.warn("keyset.side_twice", "keyset.json", { side });
    }
    if (!escrow.length) check.warn("keyset.no_custodians", "keyset.json");
    const held = [...gate, ...escrow].map((holder) => hex(holder.point));
    for (const { bid, signingKey } of (await evidence.tender()).bids) {
      if (held.includes(hex(signingKey))) check.warn("keyset.bidder_holds", "keyset.json", { bid });
    }
  });
  await check.attempt(() => reusedKeys(check, evidence));
  if ((await evidence.tender()).isDemo) check.warn("time.demo", "tender.json");
}

/**
 * @param {Check} check
 * @param {Evidence} evidence
 */
async function reusedKeys(check, evidence) {
  await needsSuite(evidence);
  const [signers, senders] = [new Map(), new Map()];
  for (const { bid, signingKey } of (await evidence.tender()).bids) {
    const signer = hex(signingKey);
    if (signers.has(signer)) check.warn("bid.same_signer", "tender.json", { bid, other: signers.get(signer) });
    signers.set(signer, bid);
    const { wrapsBidder, wrapsGate, wrapsEscrow } = await evidence.header(bid);
    for (const wrapped of [...wrapsBidder, ...wrapsGate, ...wrapsEscrow]) {
      const sender = hex(wrapped.subarray(0, 65));
      if (senders.has(sender)) check.warn("bid.same_ephemeral", `headers/${bid}.json`, { other: senders.get(sender) });
      senders.set(sender, bid);
    }
  }
}
