// @ts-check
/** V4 to V6: in time, on the list, and as signed. */

import { hex, unbase64 } from "./bytes.js";
import { partRoot } from "./envelope.js";
import { instantOf, keysExactly, numberIn, splitLines, textIn } from "./json.js";
import { demand, Missing, Problem, same } from "./problems.js";
import { knownSuite } from "./suites.js";

/** @typedef {import("./evidence.js").Evidence} Evidence */
/** @typedef {import("./evidence.js").Leaf} Leaf */
/** @typedef {import("./evidence.js").Frozen} Frozen */
/** @typedef {import("./problems.js").Check} Check */

const SECOND = 1_000_000n;
const [GRACE, LEAST_GRACE, MOST_GRACE] = [60, 10, 600];
const PRICES = "price_schedule";
const SEALED = "tendering.bid_sealed";
const WITHDRAWN = "tendering.bid_withdrawn";
const VOIDED = "tendering.bid_voided";

/**
 * The deadline by the log, in microseconds, told the same everywhere.
 * @param {Evidence} evidence
 */
export async function deadlineOf(evidence) {
  const published = evidence.one("tendering.lot_published");
  const tender = await evidence.tender();
  let deadline = instantOf(published.text("deadline_at"), published.where);
  for (const moved of evidence.of("tendering.deadline_moved")) {
    demand(instantOf(moved.text("before"), moved.where) === deadline, "deadline.chain", moved.where);
    deadline = instantOf(moved.text("after"), moved.where);
  }
  const closed = evidence.one("tendering.bids_closed");
  demand(instantOf(closed.text("deadline_at"), closed.where) === deadline, "deadline.differs", closed.where);
  demand(instantOf(tender.deadlineAt, "tender.json") === deadline, "deadline.differs", "tender.json");
  same(published.text("tender"), tender.tender, "tender.differs", "tender.json");
  same(published.text("lot_code"), tender.lotCode, "tender.differs", "tender.json");
  same(published.text("name"), tender.name, "tender.differs", "tender.json");
  return deadline;
}

/**
 * V4.
 * @param {Check} check
 * @param {Evidence} evidence
 */
export async function checkTimes(check, evidence) {
  const deadline = await check.attempt(() => deadlineOf(evidence));
  const frozen = await check.attempt(() => evidence.frozen());
  const leaf = await check.attempt(() => evidence.one("bid_opening.bids_frozen"));
  await checkStamps(check, evidence, leaf);
  if (!frozen || !leaf) return;
  await check.attempt(() => {
    const size = leaf.number("tree_size");
    const isTree = size <= leaf.index && evidence.heads.some((head) => head.size === size);
    demand(isTree, "freeze.tree", leaf.where, { tree_size: size });
  });
  for (const one of frozen) await check.attempt(() => beforeFreeze(evidence, one, leaf, deadline));
  if (deadline !== undefined) await check.attempt(() => timeOfFreeze(check, evidence, leaf, deadline));
}

/**
 * @param {Evidence} evidence
 * @param {Frozen} one
 * @param {Leaf} leaf
 * @param {bigint | undefined} deadline
 */
function beforeFreeze(evidence, one, leaf, deadline) {
  const record = evidence.records(SEALED).find((found) => found.text("bid") === one.bid && found.number("rev") === one.rev);
  demand(record, "freeze.no_record", "leaves.jsonl", { bid: one.bid, rev: one.rev });
  same(record.text("envelope_hash"), one.envelopeHash, "freeze.envelope", record.where);
  same(record.index, one.leafIndex, "freeze.leaf", record.where);
  demand(one.leafIndex < leaf.number("tree_size"), "freeze.late_bid", record.where, { bid: one.bid });
  if (deadline === undefined) return;
  const received = record.text("received_at");
  demand(instantOf(received, record.where) < deadline, "bid.late", record.where, { bid: one.bid, received_at: received });
}

/**
 * @param {Check} check
 * @param {Evidence} evidence
 * @param {Leaf} leaf
 * @param {bigint} deadline
 */
async function timeOfFreeze(check, evidence, leaf, deadline) {
  if ((await evidence.tender()).isDemo) {
    check.note("time.demo", leaf.where);
    return;
  }
  demand(instantOf(leaf.at, leaf.where) >= deadline, "freeze.early", leaf.where, { at: leaf.at });
  const at = evidence.covering(leaf.index)?.at ?? null;
  if (at === null) {
    check.note("time.no_quorum", leaf.where);
    return;
  }
  const stood = BigInt(at) * SECOND;
  demand(stood >= deadline - (deadline % SECOND), "freeze.early", leaf.where, { cosigned_at: at });
  const told = evidence.of("bid_opening.freeze_delayed");
  const limit = deadline + graceOf(evidence);
  if (stood > limit) {
    // A delay that is on record harms nothing where every bid itself was cosigned in time.
    const isInTime = evidence.frozen().every(({ leafIndex }) => {
      const head = evidence.covering(leafIndex);
      return head?.at && BigInt(head.at) * SECOND <= limit;
    });
    demand(told.length && isInTime, "freeze.late", leaf.where, { cosigned_at: at });
  }
  for (const one of told) check.warn("freeze.delayed", one.where, { waiting: one.text("waiting"), cosigned_at: at });
}

/**
 * What the notice allows the freeze, in microseconds; a minute where it says nothing.
 * @param {Evidence} evidence
 */
function graceOf(evidence) {
  const published = evidence.one("tendering.lot_published");
  const isTold = Object.hasOwn(published.data, "freeze_grace_seconds");
  const seconds = isTold ? published.number("freeze_grace_seconds") : GRACE;
  demand(seconds >= LEAST_GRACE && seconds <= MOST_GRACE, "freeze.grace", published.where, { seconds });
  return BigInt(seconds) * SECOND;
}

/**
 * Time stamps by outside authorities: their place and form here, their signatures on the command line.
 * @param {Check} check
 * @param {Evidence} evidence
 * @param {Leaf | undefined} leaf
 */
async function checkStamps(check, evidence, leaf) {
  for (const name of evidence.files.names) {
    const [, size] = /^tsa\/([0-9]+)\.tsr$/.exec(name) ?? [];
    if (!size) continue;
    await check.attempt(async () => {
      const head = evidence.heads.find((one) => one.size === Number(size));
      demand(head && leaf && head.size > leaf.index, "stamp.checkpoint", name);
      const raw = await evidence.files.whole(name, 100_000);
      const long = raw.length - 4;
      const isOne = raw[0] === 0x30 && raw[1] === 0x82 && raw[2] * 256 + raw[3] === long;
      demand(isOne, "stamp.form", name);
      throw new Missing("tsa roots");
    });
  }
}

/**
 * V5.
 * @param {Check} check
 * @param {Evidence} evidence
 */
export async function checkList(check, evidence) {
  const frozen = await check.attempt(() => evidence.frozen());
  const tender = await check.attempt(() => evidence.tender());
  if (!frozen || !tender) return;
  const lines = new Map(frozen.map((one) => [one.bid, one]));
  const { bids } = tender;
  await check.attempt(() => same(bids.map((one) => one.bid), [...lines.keys()].sort(), "list.bids", "tender.json"));
  await check.attempt(() => same(bids.map((one) => one.seat), bids.map((_, at) => at + 1), "list.seats", "tender.json"));
  await check.attempt(() => {
    for (const key of /** @type {const} */ (["bidder", "org"])) {
      demand(new Set(bids.map((one) => one[key])).size === bids.length, "list.bidder_twice", "tender.json");
    }
  });
  await check.attempt(() => publishedList(evidence, bids));
  const records = evidence.records(SEALED, WITHDRAWN, VOIDED);
  const retired = new Set(evidence.of("keyholding.keyset_retired").map((leaf) => leaf.text("hash")));
  const named = new Set([...lines.keys(), ...records.map((leaf) => String(leaf.data.bid ?? ""))]);
  for (const bid of [...named].sort()) {
    const own = records.filter((leaf) => leaf.data.bid === bid);
    await check.attempt(() => chain(bid, own, lines.get(bid), bids, retired));
  }
}

/**
 * @param {Evidence} evidence
 * @param {import("./evidence.js").Bidder[]} bids
 */
function publishedList(evidence, bids) {
  const leaf = evidence.one("bid_opening.list_published");
  const found = leaf.objects("bidders").map((row) => {
    keysExactly(row, ["seat", "org_id", "name", "uscc", "bid", "is_checked_in"], leaf.where);
    const texts = ["bid", "uscc", "org_id", "name"].map((key) => textIn(row, key, leaf.where));
    return [numberIn(row, "seat", leaf.where), ...texts];
  });
  const wanted = bids.map((one) => [one.seat, one.bid, one.bidder, one.org, one.name]);
  same(found, wanted, "list.published", leaf.where);
}

/**
 * The records of one bid, oldest first: what is live at the end must be what was frozen.
 * @param {string} bid
 * @param {Leaf[]} records
 * @param {Frozen | undefined} line
 * @param {import("./evidence.js").Bidder[]} bids
 * @param {Set<string>} retired hashes of key sets that were retired in public: only a bid to one of them is void
 */
function chain(bid, records, line, bids, retired) {
  const ordered = records
    .map((leaf) => ({ leaf, rev: leaf.number("rev"), isWithdrawal: leaf.type !== SEALED }))
    .sort((a, b) => a.rev - b.rev || Number(a.isWithdrawal) - Number(b.isWithdrawal));
  /** @type {Leaf | undefined} */ let last;
  /** @type {Leaf | undefined} */ let live;
  for (const { leaf, rev, isWithdrawal } of ordered) {
    if (isWithdrawal) {
      demand(last && last.number("rev") === rev, "bid.chain", leaf.where, { bid });
      demand(leaf.type === WITHDRAWN || retired.has(leaf.text("keyset")), "bid.chain", leaf.where, { bid });
      live = undefined;
      continue;
    }
    same(leaf.text("prev"), last ? last.text("envelope_hash") : "-", "bid.chain", leaf.where);
    demand(!last || (rev > last.number("rev") && last.index <= leaf.index), "bid.chain", leaf.where, { bid });
    same(leaf.text("org_id"), (last ?? leaf).text("org_id"), "bid.chain", leaf.where);
    last = leaf;
    live = leaf;
  }
  if (!line) {
    demand(!live, "freeze.dropped", live?.where ?? "leaves.jsonl", { bid });
    return;
  }
  demand(live, "freeze.not_live", "leaves.jsonl", { bid });
  const found = [live.number("rev"), live.text("envelope_hash")];
  same(found, [line.rev, line.envelopeHash], "freeze.old", live.where);
  const owner = bids.find((one) => one.bid === bid);
  demand(!owner || owner.org === live.text("org_id"), "list.other_bidder", live.where, { bid });
}

/**
 * The suite of the lot, if this verifier reads it; Missing for another, of which nothing can be said here.
 * @param {Evidence} evidence
 */
export async function needsSuite(evidence) {
  const { suite } = await evidence.tender();
  same((await evidence.holders()).suite, suite, "bid.suite", "keyset.json");
  const known = knownSuite(suite);
  if (!known) throw new Missing(`suite ${suite}`);
  return known;
}

/**
 * V6.
 * @param {Check} check
 * @param {Evidence} evidence
 */
export async function checkEnvelopes(check, evidence) {
  const frozen = await check.attempt(() => evidence.frozen());
  const tender = await check.attempt(() => evidence.tender());
  if (!frozen || !tender) return;
  if (!(await check.attempt(() => needsSuite(evidence)))) return;
  const bidders = new Map(tender.bids.map((one) => [one.bid, one]));
  for (const name of evidence.files.names) {
    const [, bid] = /^(?:headers|manifests|parts)\/([0-9a-f]{32})[./]/.exec(name) ?? [];
    if (bid && !bidders.has(bid)) check.add(new Problem("files.unexpected", name));
  }
  const commits = new Map();
  for (const one of frozen) {
    const { bid } = one;
    const papers = await check.attempt(async () => {
      const [header, manifest] = [await evidence.header(bid), await evidence.manifest(bid)];
      const where = `manifests/${bid}.txt`;
      same(manifest.envelopeHash, one.envelopeHash, "bid.envelope", where);
      same(manifest.headerHash, hex(header.hh), "bid.header", where);
      same(manifest.bindingHash, hex(header.b), "bid.binding", where);
      return { header, manifest };
    });
    if (!papers) continue;
    const { header, manifest } = papers;
    const bidder = bidders.get(bid);
    await check.attempt(() => bound(evidence, one, header, manifest, bidder?.bidder ?? ""));
    if (bidder) await check.attempt(() => signed(evidence, bid, bidder.signingKey));
    const { commitBidder } = header;
    if (commits.has(commitBidder)) check.add(new Problem("bid.copied", `headers/${bid}.json`));
    commits.set(commitBidder, bid);
    const parts = new Set(tender.tier === "regulator" ? manifest.parts.keys() : [PRICES]);
    for (const name of evidence.files.names) {
      const [, owner, part] = /^parts\/([0-9a-f]{32})\/([a-z0-9_-]{1,40})\.cob$/.exec(name) ?? [];
      if (owner === bid) parts.add(part);
    }
    for (const part of [...parts].sort()) await check.attempt(() => ciphertext(evidence, bid, part, manifest));
  }
}

/**
 * @param {Evidence} evidence
 * @param {Frozen} one
 * @param {Awaited<ReturnType<Evidence["header"]>>} header
 * @param {Awaited<ReturnType<Evidence["manifest"]>>} manifest
 * @param {string} bidder
 */
async function bound(evidence, one, header, manifest, bidder) {
  const where = `headers/${one.bid}.json`;
  const [tender, holders] = [await evidence.tender(), await evidence.holders()];
  const { suite, tender: code, lot, bidder: owner, bid, rev, prev, keyset } = header.binding;
  const wanted = [tender.suite, tender.tender, tender.lotCode, bidder, one.bid, one.rev, manifest.prev, holders.hash];
  same([suite, code, lot, owner, bid, rev, prev, keyset], wanted, "bid.bound", where);
  same(manifest.rev, one.rev, "bid.bound", where);
  same(header.parts, [...manifest.parts.keys()], "bid.parts", where);
  const { commitGateShares, wrapsGate, commitEscrowShares, wrapsEscrow, wrapsBidder } = header;
  const shape = [commitGateShares, wrapsGate, commitEscrowShares, wrapsEscrow].map((list) => list.length);
  const [gate, escrow] = [holders.gate.length, holders.escrow.length];
  same(shape, [gate, gate, escrow, escrow], "bid.shape", where);
  const isForm = new Set(commitGateShares).size === gate && wrapsBidder.length >= 1 && wrapsBidder.length <= 3;
  demand(isForm, "bid.shape", where);
}

/**
 * @param {Evidence} evidence
 * @param {string} bid
 * @param {import("./bytes.js").Bytes} key
 */
async function signed(evidence, bid, key) {
  const where = `manifests/${bid}.sig`;
  const lines = splitLines(await evidence.files.whole(where, 200), where);
  demand(lines.length === 1, "format.lines", where);
  const signature = unbase64(lines[0], where, 64);
  const { suite } = await evidence.manifest(bid);
  demand(await suite.signatureHolds(key, signature, await evidence.manifestBytes(bid)), "bid.signature", where);
}

/**
 * @param {Evidence} evidence
 * @param {string} bid
 * @param {string} part
 * @param {Awaited<ReturnType<Evidence["manifest"]>>} manifest
 */
async function ciphertext(evidence, bid, part, manifest) {
  const where = `parts/${bid}/${part}.cob`;
  const told = manifest.parts.get(part);
  demand(told, "files.unexpected", where);
  demand(evidence.files.has(where), "files.missing", where);
  same(evidence.files.size(where), told.size, "part.length", where);
  same(await partRoot(manifest.suite, evidence.files.blocks(where)), told.root, "part.root", where);
}
