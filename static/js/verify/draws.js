// @ts-check
/** V10: draws redone. Beacons are verified with the vendored BLS library. */

import { base64, byCodePoint, h, hex, note, sha256, textOf, unhex } from "./bytes.js";
import { deadlineOf, needsSuite } from "./bids.js";
import { keysExactly, listIn, readCanonical, splitLines, textIn } from "./json.js";
import { demand, Problem, same } from "./problems.js";

/** @typedef {import("./evidence.js").Evidence} Evidence */
/** @typedef {import("./evidence.js").Leaf} Leaf */
/** @typedef {import("./problems.js").Check} Check */

const MAX = 4 * 1024 * 1024;
const GENESIS = 1_692_803_367;
const QUICKNET = "52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971";
const QUICKNET_KEY =
  "83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c8c4b450b6a0a6c3ac6a5776a2d1064510d1fec758c921cc2" +
  "2b0e17e63aaf4bcb5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45a";
const BEACONS = "beacons.json";
const COEFFICIENT = "bid_opening.coefficient_drawn";
const POOL = "evaluation.expert_pool_fixed";
const DRAWN = "evaluation.committee_drawn";
const FIXED = /^(?:freeze [0-9a-f]{64}|checkpoint [1-9][0-9]{0,15} [A-Za-z0-9+/]{43}=)$/;
const BEACON = /^beacon drand ([0-9a-f]{64}) ([1-9][0-9]{0,15}) ([0-9a-f]{96,192})$/;

/**
 * @param {Uint8Array} raw
 * @param {string} where
 */
export function readDraw(raw, where) {
  demand(raw.length <= MAX, "files.too_large", where);
  const lines = splitLines(raw, where);
  const heads = [
    /^(etender-draw\/v1)$/,
    /^draw ([A-Za-z0-9._:/-]{1,128})$/,
    /^rule first ([1-9][0-9]{0,5})$/,
    /^pool ([1-9][0-9]{0,5}) ([0-9a-f]{64})$/,
  ].map((form, at) => form.exec(lines[at] ?? ""));
  if (heads.includes(null)) throw new Problem("format.transcript", where);
  const rest = lines.slice(heads.length);
  const fixed = rest.shift() ?? "";
  demand(FIXED.test(fixed), "format.transcript", where, { line: fixed });
  const beacon = BEACON.exec(rest[0] ?? "");
  if (beacon) rest.shift();
  /** @type {Map<string, string>} */
  const contributions = new Map();
  for (const line of rest) {
    const [, name, value] = /^contribution ([A-Za-z0-9._:/-]{1,128}) ([0-9a-f]{64})$/.exec(line) ?? [];
    if (!name || contributions.has(name)) throw new Problem("format.transcript", where, { line });
    contributions.set(name, value);
  }
  const names = [...contributions.keys()];
  demand(names.join("\n") === [...names].sort().join("\n"), "format.transcript", where, { reason: "order" });
  demand(beacon || names.length, "draw.no_entropy", where);
  const [id, first] = [heads[1]?.[1] ?? "", Number(heads[2]?.[1])];
  const [poolSize, poolHash] = [Number(heads[3]?.[1]), heads[3]?.[2]];
  demand(first <= poolSize, "format.transcript", where, { reason: "rule" });
  return { id, first, poolSize, poolHash, fixed, beacon, contributions, seed: h(...lines) };
}

/**
 * The pool in the order of its tickets.
 * @param {ReturnType<typeof readDraw>} draw
 * @param {string[]} pool
 * @param {string} where
 */
function orderOf(draw, pool, where) {
  demand(pool.length && new Set(pool).size === pool.length, "draw.pool", where, { reason: "twice" });
  same([pool.length, h(...pool)], [draw.poolSize, draw.poolHash], "draw.pool", where);
  const tickets = pool.map((entry) => [hex(sha256(note("etender-ticket/v1", draw.seed, entry))), entry]);
  return tickets.sort((a, b) => (a[0] < b[0] ? -1 : 1)).map(([, entry]) => entry);
}

/**
 * @param {Check} check
 * @param {Evidence} evidence
 */
export async function checkDraws(check, evidence) {
  const coefficients = evidence.of(COEFFICIENT);
  const nothing = evidence.of("bid_opening.nothing_drawn");
  const isAny = coefficients.length + nothing.length > 0;
  await check.attempt(() => demand(isAny, "leaf.missing", "leaves.jsonl", { type: COEFFICIENT }));
  const isBoth = coefficients.length > 0 && nothing.length > 0;
  await check.attempt(() => demand(!isBoth && nothing.length <= 1, "draw.twice", "leaves.jsonl"));
  const drawn = new Set();
  for (const leaf of coefficients) {
    const name = (await check.attempt(() => leaf.text("name"))) ?? "";
    if (drawn.has(name)) check.add(new Problem("draw.twice", leaf.where, { name }));
    drawn.add(name);
    await check.attempt(() => coefficient(evidence, leaf, name));
  }
  const committees = new Set();
  for (const [at, pool] of evidence.of(POOL).entries()) {
    if (await check.attempt(() => committee(evidence, pool, at + 1))) committees.add(`committee-${at + 1}`);
  }
  await check.attempt(() => members(evidence));
  const made = [...committees].filter((name) => !drawn.has(name)).length;
  await check.attempt(() => same(evidence.of(DRAWN).length, made, "draw.twice", "leaves.jsonl"));
  const present = evidence.files.names.flatMap((name) => /^draws\/(.+)\.(?:txt|pool)$/.exec(name)?.[1] ?? []);
  const wanted = [...new Set([...drawn, ...committees])].sort(byCodePoint);
  await check.attempt(() => same([...new Set(present)].sort(byCodePoint), wanted, "draw.files", "draws"));
  const isTold = evidence.of("bid_opening.beacon_received").length > 0;
  await check.attempt(() => same(evidence.files.has(BEACONS), isTold, "draw.files", BEACONS));
}

/**
 * @param {Evidence} evidence
 * @param {string} name
 */
async function read(evidence, name) {
  const where = `draws/${name}.txt`;
  const raw = await evidence.files.whole(where, MAX);
  const pool = splitLines(await evidence.files.whole(`draws/${name}.pool`, MAX), `draws/${name}.pool`);
  return { draw: readDraw(raw, where), pool, text: textOf(raw, where), where };
}

/**
 * @param {Evidence} evidence
 * @param {Leaf} leaf
 * @param {string} name
 */
async function coefficient(evidence, leaf, name) {
  await needsSuite(evidence);
  const { draw, pool, text, where } = await read(evidence, name);
  const tender = await evidence.tender();
  same(text, leaf.text("transcript"), "draw.transcript", where);
  same(pool, leaf.texts("pool"), "draw.pool", where);
  same(draw.seed, leaf.text("seed"), "draw.seed", where);
  same(draw.id, `${tender.tender}/${tender.lotCode}/${name}`, "draw.id", where);
  same(draw.first, 1, "draw.rule", where);
  const frozen = evidence.frozen();
  same(draw.fixed, `freeze ${h(...frozen.map((one) => one.line).sort())}`, "draw.freeze", where);
  /** @type {[string, string][]} */
  const wanted = [];
  for (const { bid } of [...frozen].sort((a, b) => (a.bid < b.bid ? -1 : 1))) {
    const secret = evidence.rGates.get(bid);
    wanted.push([bid, secret ? hex(secret) : (await evidence.header(bid)).commitGate]);
  }
  same([...draw.contributions], wanted, "draw.contributions", where);
  same(orderOf(draw, pool, where)[0], leaf.text("value"), "draw.result", leaf.where);
  await announcedBeacon(evidence, draw, where);
}

/**
 * With the beacon that the notice announced and its round gives; with none where it announced none.
 * @param {Evidence} evidence
 * @param {ReturnType<typeof readDraw>} draw
 * @param {string} where
 */
async function announcedBeacon(evidence, draw, where) {
  const { data } = evidence.one("tendering.lot_published");
  const announced = Object.hasOwn(data, "beacon") ? data.beacon : "";
  if (announced === "") {
    demand(!draw.beacon, "draw.beacon", where, { reason: "not_announced" });
    return;
  }
  same(announced, "quicknet", "draw.beacon", where);
  if (!draw.beacon) throw new Problem("draw.beacon", where, { reason: "missing" });
  const [, chain, round, signature] = draw.beacon;
  const told = evidence.one("bid_opening.beacon_received");
  const wanted = [chain, Number(round), signature];
  same([told.text("chain"), told.number("round"), told.text("value")], wanted, "draw.beacon", told.where);
  same(await beaconsFile(evidence), [wanted], "draw.beacon", BEACONS);
  const at = evidence.covering(evidence.one("bid_opening.bids_frozen").index)?.at ?? null;
  if (at !== null && !(await evidence.tender()).isDemo) {
    // Whoever knew the value before the list stood could have chosen the list.
    demand(at < GENESIS + (Number(round) - 1) * 3, "draw.beacon", where, { reason: "known", cosigned_at: at });
  }
  await checkBeacon(evidence, draw, where);
}

/** @param {Evidence} evidence */
async function beaconsFile(evidence) {
  const file = readCanonical(await evidence.files.whole(BEACONS, 65_536), BEACONS);
  return listIn(file, "beacons", BEACONS).map((row) => {
    const { chain, round, signature } = keysExactly(row, ["chain", "round", "signature"], BEACONS);
    return [chain, round, signature];
  });
}

/**
 * One draw of experts; false where it is still to come.
 * @param {Evidence} evidence
 * @param {Leaf} pool
 * @param {number} number
 */
async function committee(evidence, pool, number) {
  const tender = await evidence.tender();
  const id = pool.text("draw");
  same(id, `${tender.tender}/${tender.lotCode}/committee/${number}`, "draw.id", pool.where);
  const made = evidence.of(DRAWN).filter((leaf) => leaf.text("draw") === id);
  if (!made.length) return false;
  demand(made.length === 1, "draw.twice", made.at(-1)?.where, { draw: id });
  const spent = evidence.of("evaluation.draw_exhausted").filter((leaf) => leaf.index < pool.index).length;
  demand(number === 1 || spent >= number - 1, "draw.redrawn", pool.where, { draw: id });
  const { draw, pool: entries, text, where } = await read(evidence, `committee-${number}`);
  same(text, made[0].text("transcript"), "draw.transcript", where);
  same(draw.seed, made[0].text("seed"), "draw.seed", where);
  same([draw.id, draw.first], [id, pool.number("seats")], "draw.rule", where);
  same(entries, pool.texts("pool"), "draw.pool", where);
  same(draw.poolHash, pool.text("pool_hash"), "draw.pool", where);
  const last = commitments(evidence, pool, draw, id, where);
  const head = evidence.covering(last);
  demand(head && head.size <= made[0].index, "draw.checkpoint", where);
  same(draw.fixed, `checkpoint ${head.size} ${base64(head.root)}`, "draw.checkpoint", where);
  await checkBeacon(evidence, draw, where);
  const told = evidence.of("evaluation.seat_offered", "evaluation.ticket_passed");
  const asked = told.filter((leaf) => leaf.text("draw") === id).map((leaf) => leaf.text("blinded"));
  same(asked, orderOf(draw, entries, where).slice(0, asked.length), "draw.result", "leaves.jsonl");
  return true;
}

/**
 * @param {Evidence} evidence
 * @param {Leaf} pool
 * @param {ReturnType<typeof readDraw>} draw
 * @param {string} id
 * @param {string} where
 */
function commitments(evidence, pool, draw, id, where) {
  const committed = new Map([["centre", pool.text("commitment")]]);
  let last = pool.index;
  for (const leaf of evidence.of("evaluation.contribution_committed")) {
    if (leaf.text("draw") !== id) continue;
    demand(!committed.has(leaf.text("contributor")), "draw.contributions", leaf.where);
    committed.set(leaf.text("contributor"), leaf.text("commitment"));
    last = Math.max(last, leaf.index);
  }
  const opened = [...draw.contributions].map(([name, value]) => [name, h("etender-contribution-commitment/v1", value)]);
  same(opened, [...committed].sort((a, b) => (a[0] < b[0] ? -1 : 1)), "draw.contributions", where);
  demand(opened.length >= 3, "draw.contributions", where);
  return last;
}

/** @param {Evidence} evidence */
function members(evidence) {
  const taken = new Set(evidence.of("evaluation.seat_taken").map((leaf) => leaf.text("blinded")));
  for (const leaf of evidence.of("evaluation.award_decided")) {
    for (const member of leaf.objects("members")) {
      keysExactly(member, ["blinded", "expert", "name"], leaf.where);
      const blinded = textIn(member, "blinded", leaf.where);
      const redone = h("etender-expert/v1", leaf.text("salt"), textIn(member, "expert", leaf.where));
      same(redone, blinded, "draw.member", leaf.where);
      demand(taken.has(blinded), "draw.member", leaf.where);
    }
  }
}

/**
 * A beacon value: the chain everybody pins, the round by the formula of the deadline, and its signature.
 * @param {Evidence} evidence
 * @param {ReturnType<typeof readDraw>} draw
 * @param {string} where
 */
async function checkBeacon(evidence, draw, where) {
  if (!draw.beacon) return;
  const [, chain, round, signature] = draw.beacon;
  const deadline = Number((await deadlineOf(evidence)) / 1_000_000n);
  same(chain, QUICKNET, "draw.beacon", where);
  same(Number(round), Math.floor((deadline + 600 - GENESIS) / 3) + 1, "draw.beacon", where);
  demand(signature.length === 96 && (await isBeacon(Number(round), signature, QUICKNET_KEY)), "draw.beacon", where);
}

/**
 * Whether a signature (hex, G1) is of SHA-256 of the round number under a key (hex, G2).
 * @param {number} round
 * @param {string} signature
 * @param {string} key
 * @returns {Promise<boolean>}
 */
export async function isBeacon(round, signature, key) {
  const { bls12_381: curve } = /** @type {any} */ (await import("../../vendor/js/bls.js"));
  const number = new Uint8Array(8);
  new DataView(number.buffer).setBigUint64(0, BigInt(round));
  const message = curve.shortSignatures.hash(sha256(number), "BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_");
  try {
    return curve.shortSignatures.verify(unhex(signature, ""), message, unhex(key, ""));
  } catch (error) {
    // The library refuses bytes that are no point by throwing plain errors.
    if (error instanceof Error && error.name === "Error") return false;
    throw error;
  }
}
