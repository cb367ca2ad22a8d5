// @ts-check
/** The practice host's script: a recorded opening cut into chapters, the visitor's own frames taken out. Pure. */

/**
 * @typedef {import("../room/store.js").Frame} Frame
 *
 * @typedef {object} Story as the page was given it
 * @property {string} tender
 * @property {string} lot
 * @property {string} bidder
 * @property {number} seat the visitor's
 * @property {string} name
 * @property {string} ceiling
 * @property {number} decrypt_minutes
 * @property {Frame[]} frames
 * @property {string} keyset
 * @property {string} keyset_hash
 * @property {any[]} gate
 * @property {import("../room/words.js").Words} words
 */

export const SPEED = 30;
/** A window of the recording passes this many times faster. */

const STARTS = /** @type {[string, string][]} */ ([
  ["window_opened", "window"],
  ["window_ended", "gate"],
  ["reading_started", "reading"],
  ["query_opened", "query"],
  ["confirmation_opened", "confirming"],
  ["closed", "closed"],
]);
const OWN = new Set(["seal_checked", "share_released", "no_objection", "result_confirmed"]);

/**
 * @param {readonly Frame[]} frames
 * @param {number} seat
 * @returns {Record<string, Frame[]>} list, window, gate, reading, query, confirming, closed
 */
export function chapters(frames, seat) {
  /** @type {Record<string, Frame[]>} */
  const found = { list: [], window: [], gate: [], reading: [], query: [], confirming: [], closed: [] };
  let at = "list";
  for (const frame of frames) {
    at = STARTS.find(([type]) => type === frame.type)?.[1] ?? at;
    if (!(OWN.has(frame.type) && frame.data.seat === seat)) found[at].push(frame);
  }
  return found;
}

/** Milliseconds of practice time after the first frame of its chapter. @param {Frame} first @param {Frame} frame */
export function delayMs(first, frame) {
  return Math.max(0, (Date.parse(frame.at) - Date.parse(first.at)) / SPEED);
}

/** `29:05` of a rest in milliseconds. @param {number} ms */
export function clockText(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  return `${String(Math.floor(seconds / 60)).padStart(2, "0")}:${String(seconds % 60).padStart(2, "0")}`;
}

/** A price as a bid has it: yuan, at most two decimals, above zero. @param {string} text */
export function priceOf(text) {
  const clean = text.replace(/[,，\s]/g, "");
  if (!/^(?:0|[1-9][0-9]{0,11})(?:\.[0-9]{1,2})?$/.test(clean) || Number(clean) === 0) return "";
  const [whole, cents = ""] = clean.split(".");
  return `${whole}.${cents.padEnd(2, "0")}`;
}
