// @ts-check
/** V7 to V9: shares as committed, gate keys of the published holders, prices as sealed. */

import { hex, note, textOf, unhex } from "./bytes.js";
import { needsSuite } from "./bids.js";
import { commitmentTo, openPart, partKeyOf, recombine } from "./envelope.js";
import { FORM, keysExactly, readCanonical, splitLines, textIn } from "./json.js";
import { readFigures } from "./papers.js";
import { demand, Problem, same } from "./problems.js";
import { suiteNamed } from "./suites.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {import("./evidence.js").Evidence} Evidence */
/** @typedef {import("./evidence.js").Leaf} Leaf */
/** @typedef {import("./problems.js").Check} Check */
/** @typedef {import("./suite_s1.js").GateKey} GateKey */
/** @typedef {Awaited<ReturnType<Evidence["header"]>>} Header */

const PRICES = "price_schedule";
const MOST_SCHEDULE = 1_400_000;
const RECORD = "seat bid name bidder outcome total duration_days quality project_manager fault".split(" ");
const FIGURES = ["total", "duration_days", "quality", "project_manager"];

/** @param {Evidence} evidence */
function gateIndexes(evidence) {
  const found = evidence.files.names.flatMap((name) => /^gate\/(0|[1-9][0-9]?)\.key$/.exec(name)?.[1] ?? []);
  return found.map(Number).sort((a, b) => a - b);
}

/**
 * @param {Evidence} evidence
 * @param {number} index
 */
async function gateKey(evidence, index) {
  const where = `gate/${index}.key`;
  const lines = splitLines(await evidence.files.whole(where, 200), where);
  demand(lines.length === 1 && FORM.hex32.test(lines[0]), "gate.key_form", where);
  const suite = suiteNamed((await evidence.tender()).suite, where);
  return suite.gateKey(lines[0], where);
}

/**
 * @param {Header} header
 * @param {number} index
 */
const hasSeat = (header, index) => index < header.wrapsGate.length && index < header.commitGateShares.length;

/**
 * V7.
 * @param {Check} check
 * @param {Evidence} evidence
 */
export async function checkShares(check, evidence) {
  const frozen = await check.attempt(() => evidence.frozen());
  const holders = await check.attempt(() => evidence.holders());
  if (!frozen || !holders) return;
  if (!(await check.attempt(() => needsSuite(evidence)))) return;
  /** @type {Map<number, GateKey>} */
  const keys = new Map();
  for (const index of gateIndexes(evidence)) {
    try {
      keys.set(index, await gateKey(evidence, index));
    } catch (error) {
      if (!(error instanceof Problem)) throw error; // V8 tells of it
    }
  }
  for (const { bid } of frozen) {
    const header = await check.attempt(() => evidence.header(bid));
    if (!header) continue;
    const { suite, b: raw } = header;
    const b = hex(raw);
    /** @type {Map<number, Bytes>} */
    const good = new Map();
    for (const [index, key] of keys) {
      const role = `gate/${index}`;
      const share = hasSeat(header, index) ? await suite.unwrap(key, b, role, header.wrapsGate[index]) : undefined;
      if (!share) continue;
      if (commitmentTo(suite, b, role, share) === header.commitGateShares[index]) good.set(index, share);
      else await check.attempt(() => reported(evidence, bid, role, "share.commitment"));
    }
    const secret = await recombine(suite, good, holders.gateThreshold, b, "gate", header.commitGate);
    evidence.rGates.set(bid, secret);
    if (!secret && good.size >= holders.gateThreshold) {
      await check.attempt(() => reported(evidence, bid, "gate", "share.combination"));
    }
  }
  if ((await evidence.tender()).tier === "regulator") await checkHalves(check, evidence);
  else check.note("tier.public", "r-bid.jsonl");
}

/**
 * @param {Check} check
 * @param {Evidence} evidence
 */
async function checkHalves(check, evidence) {
  const halves = await check.attempt(() => bidLines(evidence, "r-bid.jsonl", "r_bid"));
  const keys = await check.attempt(() => bidLines(evidence, "price-schedule-keys.jsonl", "part_key"));
  const closed = await check.attempt(() => evidence.one("bid_opening.window_closed"));
  if (!halves || !closed) return;
  await check.attempt(() => {
    const opened = [...closed.texts("released"), ...closed.texts("escrowed")].sort();
    same([...halves.keys()], opened, "share.set", "r-bid.jsonl");
  });
  for (const [bid, half] of halves) {
    await check.attempt(async () => {
      const header = await evidence.header(bid);
      const rBid = unhex(half, "r-bid.jsonl", 32);
      const commit = commitmentTo(header.suite, hex(header.b), "bidder", rBid);
      same(commit, header.commitBidder, "share.commitment", "r-bid.jsonl");
      const [rGate, key] = [evidence.rGates.get(bid), keys?.get(bid)];
      if (!rGate || !key) return;
      same(hex(await partKeyOf(header.suite, rBid, rGate, header.b, PRICES)), key, "share.part_key", "r-bid.jsonl");
    });
  }
}

/**
 * What the platform put on record itself is no problem of the bundle.
 * @param {Evidence} evidence
 * @param {string} bid
 * @param {string} role
 * @param {string} code
 */
function reported(evidence, bid, role, code) {
  const faults = evidence.of("bid_opening.gate_fault_found");
  const isTold = faults.some((leaf) => leaf.text("bid") === bid && leaf.text("role") === role);
  demand(isTold, code, `headers/${bid}.json`, { role });
}

/**
 * V8.
 * @param {Check} check
 * @param {Evidence} evidence
 */
export async function checkGate(check, evidence) {
  const holders = await check.attempt(() => evidence.holders());
  if (!holders) return;
  const suite = await check.attempt(() => needsSuite(evidence));
  if (!suite) return;
  await check.attempt(() => loggedKeyset(evidence));
  for (const role of /** @type {const} */ (["gate", "escrow"])) {
    for (const holder of holders[role]) {
      const message = note("etender-holder/v1", holders.tender, holders.lot, role, hex(holder.point));
      const isOwn = await suite.signatureHolds(holder.point, holder.proof, message);
      await check.attempt(() => demand(isOwn, "keyset.possession", "keyset.json", { holder: holder.id }));
    }
  }
  /** @type {Map<number, GateKey>} */
  const given = new Map();
  for (const index of gateIndexes(evidence)) {
    const key = await check.attempt(() => gateKey(evidence, index));
    if (key && (await check.attempt(() => isHolders(evidence, index, key)))) given.set(index, key);
  }
  await check.attempt(() => enoughKeys(evidence, holders.gateThreshold, [...given.keys()]));
  for (const { bid } of (await check.attempt(() => evidence.frozen())) ?? []) {
    const header = await check.attempt(() => evidence.header(bid));
    if (!header) continue;
    for (const [index, key] of given) await check.attempt(() => gateWrap(evidence, bid, header, index, key));
  }
}

/** @param {Evidence} evidence */
async function loggedKeyset(evidence) {
  const [holders, tender] = [await evidence.holders(), await evidence.tender()];
  same([holders.tender, holders.lot], [tender.tender, tender.lotCode], "keyset.other_lot", "keyset.json");
  const completed = evidence.of("keyholding.keyset_completed").filter((leaf) => leaf.text("hash") === holders.hash);
  demand(completed.length === 1, "keyset.not_logged", "keyset.json", { hash: holders.hash });
  const raw = textOf(await evidence.files.whole("keyset.json", 32 * 1024), "keyset.json");
  same(completed[0].text("json"), raw, "keyset.not_logged", "keyset.json");
  const retired = evidence.of("keyholding.keyset_retired").map((leaf) => leaf.text("hash"));
  demand(!retired.includes(holders.hash), "keyset.retired", "keyset.json");
  const published = evidence.one("tendering.lot_published").text("keyset");
  demand(published === holders.hash || retired.includes(published), "keyset.not_published", "keyset.json");
}

/**
 * @param {Evidence} evidence
 * @param {number} index
 * @param {GateKey} key
 */
async function isHolders(evidence, index, key) {
  const where = `gate/${index}.key`;
  const holder = (await evidence.holders()).gate[index];
  demand(holder && hex(holder.point) === hex(key.point), "gate.key", where);
  const released = evidence.of("keyholding.gate_key_released").filter((leaf) => leaf.number("index") === index);
  demand(released.length === 1, "gate.not_logged", where);
  const line = textOf(await evidence.files.whole(where, 200), where).trim();
  const told = [released[0].text("private_key"), released[0].text("public_key")];
  same(told, [line, hex(holder.point)], "gate.not_logged", where);
  return true;
}

/**
 * @param {Evidence} evidence
 * @param {number} needed
 * @param {number[]} given
 */
function enoughKeys(evidence, needed, given) {
  demand(given.length >= needed, "gate.too_few", "gate", { found: given.length });
  const logged = new Set(evidence.of("keyholding.gate_key_released").map((leaf) => leaf.number("index")));
  same([...logged].sort((a, b) => a - b), given, "gate.not_in_bundle", "gate");
  const leaf = evidence.one("bid_opening.gate_released");
  const told = leaf.data.holders;
  const isTold = Array.isArray(told) && told.length >= needed && told.every((one) => given.includes(one));
  demand(isTold, "gate.holders", leaf.where);
}

/**
 * @param {Evidence} evidence
 * @param {string} bid
 * @param {Header} header
 * @param {number} index
 * @param {GateKey} key
 */
async function gateWrap(evidence, bid, header, index, key) {
  demand(hasSeat(header, index), "bid.shape", `headers/${bid}.json`);
  const role = `gate/${index}`;
  const share = await header.suite.unwrap(key, hex(header.b), role, header.wrapsGate[index]);
  if (!share) {
    reported(evidence, bid, role, "gate.unreported");
  } else if (commitmentTo(header.suite, hex(header.b), role, share) === header.commitGateShares[index]) {
    for (const leaf of evidence.of("bid_opening.gate_fault_found")) {
      const isFalse = leaf.text("bid") === bid && leaf.text("role") === role;
      demand(!isFalse, "gate.false_fault", leaf.where);
    }
  }
}

/**
 * V9.
 * @param {Check} check
 * @param {Evidence} evidence
 */
export async function checkPrices(check, evidence) {
  const keys = await check.attempt(() => bidLines(evidence, "price-schedule-keys.jsonl", "part_key"));
  const record = await check.attempt(() => readRecord(evidence));
  const closed = await check.attempt(() => evidence.one("bid_opening.window_closed"));
  const frozen = await check.attempt(() => evidence.frozen());
  const isRead = await check.attempt(() => needsSuite(evidence));
  if (!isRead || !keys || !record || !closed || !frozen) return;
  const bids = frozen.map((one) => one.bid).sort();
  await check.attempt(() => windowOf(evidence, closed, bids));
  await check.attempt(() => same([...record.keys()].sort(), bids, "record.bids", "opening.jsonl"));
  const priced = new Set(evidence.of("bid_opening.price_decrypted").map((leaf) => String(leaf.data.bid)));
  await check.attempt(() => same([...keys.keys()].sort(), [...priced].sort(), "record.keys", "price-schedule-keys.jsonl"));
  for (const { bid } of frozen) {
    const row = record.get(bid);
    if (row) await check.attempt(() => price(check, evidence, bid, keys.get(bid) ?? "", row, closed));
  }
}

/**
 * @param {Evidence} evidence
 * @param {string} name
 * @param {string} key
 */
async function bidLines(evidence, name, key) {
  /** @type {Map<string, string>} */
  const found = new Map();
  for await (const [where, raw] of evidence.jsonLines(name)) {
    const value = keysExactly(readCanonical(raw, where), ["bid", key], where);
    const bid = textIn(value, "bid", where, FORM.hex16);
    demand(!found.has(bid), "format.twice", where);
    found.set(bid, textIn(value, key, where, FORM.hex32));
  }
  const bids = [...found.keys()];
  demand(bids.join() === [...bids].sort().join(), "format.order", name);
  return found;
}

/** @param {Evidence} evidence */
async function readRecord(evidence) {
  /** @type {Map<string, import("./json.js").Obj>} */
  const found = new Map();
  for await (const [where, raw] of evidence.jsonLines("opening.jsonl")) {
    const value = keysExactly(readCanonical(raw, where), RECORD, where);
    const bid = textIn(value, "bid", where, FORM.hex16);
    demand(!found.has(bid), "format.twice", where);
    found.set(bid, value);
  }
  const rows = [...found].map(([bid, { seat, name, bidder }]) => [seat, bid, name, bidder]);
  const wanted = (await evidence.tender()).bids.map((one) => [one.seat, one.bid, one.name, one.bidder]);
  same(rows, wanted, "record.bids", "opening.jsonl");
  return found;
}

/**
 * @param {Evidence} evidence
 * @param {Leaf} closed
 * @param {string[]} bids sorted
 */
function windowOf(evidence, closed, bids) {
  const [released, escrowed, missing] = ["released", "escrowed", "missing"].map((key) => closed.texts(key));
  same([...released, ...escrowed, ...missing].sort(), bids, "window.bids", closed.where);
  const shares = evidence.of("bid_opening.share_released").map((leaf) => leaf.text("bid"));
  same([...released].sort(), shares.sort(), "window.released", closed.where);
  const opened = new Set(evidence.of("bid_opening.escrow_opened").map((leaf) => leaf.text("bid")));
  const byEscrow = [...opened].filter((bid) => !shares.includes(bid)).sort();
  same([...escrowed].sort(), byEscrow, "window.escrowed", closed.where);
}

/**
 * @param {Check} check
 * @param {Evidence} evidence
 * @param {string} bid
 * @param {string} key
 * @param {import("./json.js").Obj} row
 * @param {Leaf} closed
 */
async function price(check, evidence, bid, key, row, closed) {
  const where = `opening.jsonl seat ${row.seat}`;
  const outcomes = ["released", "escrowed", "missing"].filter((name) => closed.texts(name).includes(bid));
  same([row.outcome], outcomes, "record.outcome", where);
  const priced = evidence.of("bid_opening.price_decrypted").filter((leaf) => leaf.text("bid") === bid);
  const faults = evidence.of("bid_opening.bid_unreadable").filter((leaf) => leaf.text("bid") === bid);
  const readOut = evidence.of("bid_opening.line_read").filter((leaf) => leaf.number("seat") === row.seat);
  const isMissing = row.outcome === "missing";
  if (isMissing || faults.length) {
    demand(!priced.length && !readOut.length && (faults.length > 0) !== isMissing, "record.unread", where);
    const fault = faults.length ? faults[0].text("fault") : "";
    const told = [...FIGURES.map((name) => row[name]), row.fault];
    same(told, ["", 0, "", "", fault], "record.figures", where);
    if (faults.length) check.note("price.unreadable", where, { fault });
    return;
  }
  demand(priced.length === 1 && readOut.length === 1, "leaf.missing", where, { type: "price_decrypted, line_read" });
  same(priced[0].text("part_key"), key, "record.keys", priced[0].where);
  const figures = await sealedFigures(evidence, bid, key);
  for (const [told, place] of [[priced[0].data, priced[0].where], [readOut[0].data, readOut[0].where], [row, where]]) {
    const found = FIGURES.map((name) => /** @type {any} */ (told)[name]);
    same(found, figures, "price.differs", String(place));
  }
  same([priced[0].data.seat, row.fault], [row.seat, ""], "record.figures", where);
  same(readOut[0].data.name, row.name, "record.figures", where);
}

/**
 * @param {Evidence} evidence
 * @param {string} bid
 * @param {string} key
 */
async function sealedFigures(evidence, bid, key) {
  const where = `parts/${bid}/${PRICES}.cob`;
  demand(evidence.files.has(where), "files.missing", where);
  const sealed = await evidence.files.whole(where, MOST_SCHEDULE);
  const { suite, hh } = await evidence.header(bid);
  return readFigures(await openPart(suite, unhex(key, where, 32), PRICES, hh, sealed, where), where);
}

