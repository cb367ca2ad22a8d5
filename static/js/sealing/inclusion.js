// @ts-check
/** Inclusion in the log (存证): C2SP tlog-proof files and checkpoints, against pinned log and cosigner keys. */

import { fromBase64, fromHex, textOf, toBase64, toHex, utf8 } from "./bytes.js";
import { demand } from "./errors.js";
import { leafHash, rootFromInclusion, verifyInclusion } from "./merkle.js";
import { h } from "./notes.js";
import { cosignaturesOf, openNote, readVerifierKey } from "./signed_notes.js";

const CODE = "transparency.malformed";
/** Places of one tick leaf, and the hashes from a place to its root. */
const SLOTS = 1024;
const PATH_LENGTH = 10;
const NUMBER = /^(?:0|[1-9]\d{0,15})$/;

/** @typedef {Uint8Array<ArrayBuffer>} Bytes */

/**
 * @typedef {object} Trust the pinned policy
 * @property {string} logKey verifier key of the log; its name is the origin
 * @property {readonly string[]} cosignerKeys verifier keys, type 0x04
 * @property {number} quorum distinct cosigners needed
 *
 * @typedef {object} Checkpoint
 * @property {string} origin
 * @property {number} size
 * @property {Bytes} root
 * @property {number[]} cosignedAt POSIX seconds, one a distinct cosigner
 *
 * @typedef {object} Proof
 * @property {Bytes} extra what the application needs to rebuild the leaf; not authenticated
 * @property {number} index
 * @property {Bytes[]} path
 * @property {string} checkpoint the signed note, verbatim
 */

/**
 * Verify a checkpoint's log signature and quorum. Throws "transparency.malformed", "transparency.bad_signature"
 * or "transparency.quorum_not_met".
 * @param {string} raw
 * @param {Trust} trust
 * @returns {Promise<Checkpoint>}
 */
export async function verifyCheckpoint(raw, trust) {
  const logKey = await readVerifierKey(trust.logKey);
  const [origin, size, root] = (await openNote(raw, logKey)).split("\n");
  demand(origin === logKey.name && NUMBER.test(size), CODE, { reason: "checkpoint" });
  const rootBytes = fromBase64(root, CODE);
  demand(rootBytes.length === 32, CODE, { reason: "checkpoint" });
  const cosigners = await Promise.all(trust.cosignerKeys.map(readVerifierKey));
  const cosigned = await cosignaturesOf(raw, cosigners);
  demand(cosigned.size >= trust.quorum, "transparency.quorum_not_met", { needed: trust.quorum, found: cosigned.size });
  return { origin, size: Number(size), root: rootBytes, cosignedAt: [...cosigned.values()] };
}

/**
 * Read a tlog-proof file.
 * @param {string} raw
 * @returns {Proof}
 */
export function parseProof(raw) {
  const blank = raw.indexOf("\n\n");
  demand(blank > 0, CODE, { reason: "form" });
  const lines = raw.slice(0, blank).split("\n");
  demand(lines.shift() === "c2sp.org/tlog-proof@v1", CODE, { reason: "kind" });
  let extra = new Uint8Array(0);
  if (lines[0]?.startsWith("extra ")) extra = fromBase64(String(lines.shift()).slice("extra ".length), CODE);
  const [, index = ""] = /^index (\d+)$/.exec(lines.shift() ?? "") ?? [];
  demand(NUMBER.test(index) && lines.length <= 53, CODE, { reason: "index" });
  const path = lines.map((line) => fromBase64(line, CODE));
  return { extra, index: Number(index), path, checkpoint: raw.slice(blank + 2) };
}

/**
 * Verify that log entry bytes stand in the log: inclusion, log signature, quorum.
 * @param {string} raw tlog-proof
 * @param {Bytes} entry the log entry, as the tile of entries holds it
 * @param {Trust} trust
 * @returns {Promise<{ index: number, checkpoint: Checkpoint, extra: Bytes }>}
 */
export async function verifyProof(raw, entry, trust) {
  return verifyLeaf(parseProof(raw), entry, trust);
}

/**
 * Verify that a private record (a sealed bid) lies under a tick leaf of the log: the proof's `extra` unblinds it.
 * @param {string} raw tlog-proof
 * @param {Bytes} record the entry that was blinded
 * @param {Trust} trust
 * @returns {Promise<{ index: number, checkpoint: Checkpoint, extra: Bytes }>}
 */
export async function verifyBlinded(raw, record, trust) {
  const proof = parseProof(raw);
  const { nonce, slot, path } = parseUnblinding(proof.extra);
  const digest = fromHex(await h("etender-leaf/v1", toHex(nonce), toBase64(record)));
  const root = await rootFromInclusion({ leaf: await leafHash(digest), index: slot, size: SLOTS, path });
  return verifyLeaf(proof, utf8(`etender/v1 c ${toHex(root)}`), trust);
}

/** @param {Bytes} extra */
function parseUnblinding(extra) {
  const lines = textOf(extra).split("\n");
  const isFormed = lines.length === 4 + PATH_LENGTH && lines[0] === "etender-unblinding/v1" && lines.at(-1) === "";
  demand(isFormed, CODE, { reason: "unblinding" });
  const [, nonce = ""] = /^nonce ([0-9a-f]{64})$/.exec(lines[1]) ?? [];
  const [, slot = ""] = /^slot (\d{1,4})$/.exec(lines[2]) ?? [];
  demand(nonce !== "" && NUMBER.test(slot), CODE, { reason: "unblinding" });
  return { nonce: fromHex(nonce), slot: Number(slot), path: lines.slice(3, -1).map((line) => fromBase64(line, CODE)) };
}

/**
 * @param {Proof} proof
 * @param {Bytes} entry
 * @param {Trust} trust
 */
async function verifyLeaf(proof, entry, trust) {
  const checkpoint = await verifyCheckpoint(proof.checkpoint, trust);
  const leaf = await leafHash(entry);
  await verifyInclusion({ leaf, index: proof.index, size: checkpoint.size, path: proof.path, root: checkpoint.root });
  return { index: proof.index, checkpoint, extra: proof.extra };
}
