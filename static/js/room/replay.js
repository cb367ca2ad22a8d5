// @ts-check
/** Draw a coefficient again from what was published with it: the pool, the transcript, SHA-256. Nothing is asked. */

import { sha256, toHex } from "../sealing/bytes.js";
import { h, note } from "../sealing/notes.js";

/**
 * @typedef {object} Draw as published
 * @property {string} value
 * @property {string[]} pool
 * @property {string} transcript
 * @property {string} seed
 *
 * @typedef {object} Replay
 * @property {boolean} isEqual the published value and seed follow from transcript and pool
 * @property {string} value what this browser drew
 * @property {string} seed
 * @property {{ value: string, ticket: string }[]} tickets in their order; the first one is drawn
 * @property {number} contributions how many bids' secrets went into it
 */

/**
 * Recompute: seed = h(transcript lines), ticket(x) = SHA-256(note("etender-ticket/v1", seed, x)), smallest first.
 * @param {Draw} draw
 * @returns {Promise<Replay>}
 */
export async function replay(draw) {
  const lines = draw.transcript.replace(/\n$/, "").split("\n");
  const seed = await h(...lines);
  const isPool = lines.includes(`pool ${draw.pool.length} ${await h(...draw.pool)}`);
  const tickets = await Promise.all(
    draw.pool.map(async (value) => ({ value, ticket: toHex(await sha256(note("etender-ticket/v1", seed, value))) })),
  );
  tickets.sort((a, b) => (a.ticket < b.ticket ? -1 : 1));
  return {
    isEqual: isPool && new Set(draw.pool).size === draw.pool.length && seed === draw.seed && tickets[0].value === draw.value,
    value: tickets[0].value,
    seed,
    tickets,
    contributions: lines.filter((line) => line.startsWith("contribution ")).length,
  };
}
