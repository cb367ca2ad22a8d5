// @ts-check
/**
 * The second verifier: every check over one bundle, in the browser, with nothing sent anywhere.
 *
 * Written from docs/reference/bundle-format.md and apart from the Python verifier; the two are held against each other
 * over damaged bundles.
 */

import { hex, sha256 } from "./bytes.js";
import { checkEnvelopes, checkList, checkTimes } from "./bids.js";
import { checkDraws } from "./draws.js";
import { Evidence } from "./evidence.js";
import { checkSums, filesOfZip } from "./files.js";
import { checkGate, checkPrices, checkShares } from "./keys.js";
import { checkEntries, checkGrowth, checkSignatures } from "./log.js";
import { checkOrder, checkWeaknesses } from "./order.js";
import { Check, Problem } from "./problems.js";

/** @typedef {import("./files.js").Files} Files */
/** @typedef {{ verdict: "verified" | "failed" | "incomplete", checks: Check[], about: Record<string, string> }} Report */

export const NAMES = Array.from({ length: 13 }, (_, number) => `V${number}`);

/**
 * Verify a zip of the fixed form.
 * @param {Blob} zip
 * @param {Parameters<typeof verifyFiles>[1]} asked
 */
export async function verifyZip(zip, asked) {
  let files;
  try {
    files = await filesOfZip(zip);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const checks = NAMES.map((name) => new Check(name));
    for (const check of checks) check.add(error);
    return reportOf(checks, {});
  }
  return verifyFiles(files, asked);
}

/**
 * Verify files that are open.
 * @param {Files} files
 * @param {{ policy?: Uint8Array<ArrayBuffer> | null, now?: number | null, tell?: (name: string) => void }} asked
 *   `policy`: what the reader trusts, else the bundle's own; `now`: POSIX seconds; `tell`: hears which check begins
 * @returns {Promise<Report>}
 */
export async function verifyFiles(files, { policy = null, now = null, tell = () => {} }) {
  const evidence = new Evidence(files, policy, now);
  const checks = NAMES.map((name) => new Check(name));
  /** @type {Partial<Awaited<ReturnType<typeof checkSignatures>>>} */
  let { found = [], trust } = {};
  /** @type {((check: Check) => Promise<unknown>)[]} */
  const acts = [
    async (check) => {
      check.compared += (await check.attempt(() => checkSums(files))) ?? 0;
      const tender = await check.attempt(() => evidence.tender());
      if (tender?.tier === "public" && files.has("r-bid.jsonl")) check.add(new Problem("tier.secret", "r-bid.jsonl"));
    },
    async (check) => {
      ({ found, trust } = await checkSignatures(check, evidence));
    },
    (check) => checkGrowth(check, found),
    (check) => checkEntries(check, evidence, found.at(-1)?.head),
    (check) => checkTimes(check, evidence),
    (check) => checkList(check, evidence),
    (check) => checkEnvelopes(check, evidence),
    (check) => checkShares(check, evidence),
    (check) => checkGate(check, evidence),
    (check) => checkPrices(check, evidence),
    (check) => checkDraws(check, evidence),
    (check) => checkOrder(check, evidence),
    (check) => checkWeaknesses(check, evidence, trust),
  ];
  for (const [at, act] of acts.entries()) {
    tell(checks[at].name);
    await checks[at].attempt(() => act(checks[at]));
  }
  return reportOf(checks, await aboutOf(evidence, policy));
}

/**
 * @param {Evidence} evidence
 * @param {Uint8Array<ArrayBuffer> | null} policy
 */
async function aboutOf(evidence, policy) {
  /** @type {Record<string, string>} */
  const about = { policy: policy ? "pinned" : "own" };
  try {
    const tender = await evidence.tender();
    about.lot_code = tender.lotCode;
    about.name = tender.name;
    about.tier = tender.tier;
    about.deadline_at = tender.deadlineAt;
    about.bids = String(tender.bids.length);
    about.policy_sha256 = hex(sha256(policy ?? (await evidence.ownPolicy())));
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
  }
  const head = evidence.heads.at(-1);
  if (head) {
    about.log = head.origin;
    about.size = String(head.size);
    about.leaves = String(evidence.leaves.length);
    about.cosigned_at = head.at === null ? "" : new Date(head.at * 1000).toISOString();
  }
  return about;
}

/**
 * @param {Check[]} checks
 * @param {Record<string, string>} about
 * @returns {Report}
 */
function reportOf(checks, about) {
  const states = checks.map((check) => check.status);
  const verdict = states.includes("failed") ? "failed" : states.includes("not_checked") ? "incomplete" : "verified";
  return { verdict, checks, about };
}
