// @ts-check
/** Inclusion in the log (存证): C2SP tlog-proof files and checkpoints against the pinned log key and a quorum of cosigners. */

import { fromBase64 } from "./bytes.js";
import { demand } from "./errors.js";
import { leafHash, verifyInclusion } from "./merkle.js";
import { cosignaturesOf, openNote, readVerifierKey } from "./signed_notes.js";

const CODE = "transparency.bad_proof";
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
 * Verify a checkpoint's log signature and quorum. Throws "transparency.bad_note", "transparency.bad_proof" or
 * "transparency.no_quorum".
 * @param {string} raw
 * @param {Trust} trust
 * @returns {Promise<Checkpoint>}
 */
export async function verifyCheckpoint(raw, trust) {
  const logKey = await readVerifierKey(trust.logKey);
  const [origin, size, root] = (await openNote(raw, logKey)).split("\n");
  demand(origin === logKey.name && NUMBER.test(size), CODE, { reason: "checkpoint" });
  const rootBytes = fromBase64(root);
  demand(rootBytes.length === 32, CODE, { reason: "checkpoint" });
  const cosigners = await Promise.all(trust.cosignerKeys.map(readVerifierKey));
  const cosigned = await cosignaturesOf(raw, cosigners);
  demand(cosigned.size >= trust.quorum, "transparency.no_quorum", { needed: trust.quorum, found: cosigned.size });
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
  if (lines[0]?.startsWith("extra ")) extra = fromBase64(String(lines.shift()).slice("extra ".length));
  const [, index = ""] = /^index (\d+)$/.exec(lines.shift() ?? "") ?? [];
  demand(NUMBER.test(index) && lines.length <= 53, CODE, { reason: "index" });
  return { extra, index: Number(index), path: lines.map(fromBase64), checkpoint: raw.slice(blank + 2) };
}

/**
 * Verify that log entry bytes stand in the log: inclusion, log signature, quorum.
 * @param {string} raw tlog-proof
 * @param {Bytes} entry the log entry, as the tile of entries holds it
 * @param {Trust} trust
 * @returns {Promise<{ index: number, checkpoint: Checkpoint, extra: Bytes }>}
 */
export async function verifyProof(raw, entry, trust) {
  const proof = parseProof(raw);
  const checkpoint = await verifyCheckpoint(proof.checkpoint, trust);
  const leaf = await leafHash(entry);
  await verifyInclusion({ leaf, index: proof.index, size: checkpoint.size, path: proof.path, root: checkpoint.root });
  return { index: proof.index, checkpoint, extra: proof.extra };
}
