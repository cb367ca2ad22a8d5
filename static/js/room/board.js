// @ts-check
/** The cells of a seat from frames: the same marks as `bid_opening/views/board.py` draws. Rows never move. */

import { door, put, show, status } from "./dom.js";
import { say, timeOf } from "./words.js";

/** @typedef {import("./store.js").Seat} Seat */
/** @typedef {import("./words.js").Words} Words */

const IN_WINDOW = new Set(["LIST_PUBLISHED", "DECRYPTING"]);

/** @param {Seat} seat */
const isGiven = (seat) => Boolean(seat.releasedAt || seat.escrowedAt);

/**
 * @param {Seat} seat
 * @param {string} phase
 * @returns {[string, string, string]} class, shape, term
 */
export function keyMark(seat, phase) {
  if (seat.refusal) return ["shut", "lock", "room_key.refused"];
  if (seat.releasedAt) return ["", "open", "room_key.released"];
  if (seat.escrowedAt) return ["", "open", "room_key.escrowed"];
  if (seat.tries) return ["fail", "lock", "room_key.rejected"];
  return ["shut", "lock", IN_WINDOW.has(phase) ? "room_key.waiting" : "room_key.missing"];
}

/**
 * @param {Seat} seat
 * @param {string} phase
 * @param {{ online: boolean } | undefined} presence known to staff only
 * @returns {[string, string, string]} kind, shape, term
 */
export function stateMark(seat, phase, presence) {
  if (seat.refusal) return ["bad", "bad", "room_seat.refused"];
  if (seat.confirmedAt) return ["ok", "ok", "room_seat.confirmed"];
  if (seat.hasObjected) return ["warn", "warn", "room_seat.objected"];
  if (seat.noObjection) return ["ok", "ok", "room_seat.agreed"];
  if (seat.fault) return ["bad", "bad", "room_seat.unreadable"];
  if (seat.line) return ["ok", "ok", "room_seat.read"];
  if (seat.decryptedAt) return ["run", "run", "room_seat.decrypted"];
  if (seat.releasedAt) return ["ok", "ok", "room_seat.matches"];
  if (seat.escrowedAt) return ["ok", "ok", "room_seat.escrowed"];
  if (seat.escrowConfirmedAt && IN_WINDOW.has(phase)) return ["run", "two", "room_seat.escrow_confirmed"];
  if (seat.escrowAskedAt && IN_WINDOW.has(phase)) return ["warn", "two", "room_seat.escrow_asked"];
  if (presence && !presence.online && IN_WINDOW.has(phase)) return ["off", "off", "room_seat.offline"];
  if (seat.tries) return ["bad", "bad", "room_seat.rejected"];
  if (!IN_WINDOW.has(phase)) return ["wait", "wait", "room_seat.missing"];
  return ["wait", "wait", presence ? "room_seat.online" : "room_seat.idle"];
}

/**
 * Bring the row of a seat up to date.
 * @param {number} number
 * @param {Seat} seat
 * @param {string} phase
 * @param {Words} words
 * @param {{ online: boolean } | undefined} [presence]
 */
export function drawSeat(number, seat, phase, words, presence) {
  const term = (/** @type {string} */ code) => words.terms[code] ?? code;
  for (const row of document.querySelectorAll(`[data-seat="${number}"]`)) {
    const cell = (/** @type {string} */ name) => row.querySelector(`[data-cell="${name}"]`);
    const [cls, shape, keyTerm] = keyMark(seat, phase);
    show(cell("key"), door(cls, shape, term(keyTerm)));
    const [kind, icon, stateTerm] = stateMark(seat, phase, presence);
    if (!(row.classList.contains("me") && stateTerm === "room_seat.idle")) {
      show(cell("state"), status(kind, term(stateTerm), icon));
    }
    if (seat.isEqual !== undefined) {
      show(cell("seal"), door(seat.isEqual ? "" : "fail", seat.isEqual ? "tick" : "bad", term(`room_seal.${seat.isEqual ? "equal" : "differs"}`)));
    }
    const at = seat.confirmedAt ?? seat.releasedAt ?? seat.escrowedAt;
    if (at) put(cell("time"), timeOf(at));
    if (row.tagName === "TR") {
      const isOff = stateTerm === "room_seat.offline";
      row.className = seat.fault || (seat.tries && !isGiven(seat)) ? "hit" : isOff ? "care" : "";
    }
  }
}

/**
 * The numbers above the board, and the count under the ruler while keys come in.
 * @param {Record<number, Seat>} seats
 * @param {string} phase
 */
export function drawTally(seats, phase) {
  const all = Object.values(seats);
  const given = all.filter(isGiven).length;
  const wrong = all.filter((seat) => seat.tries && !isGiven(seat)).length;
  const faults = all.filter((seat) => seat.fault).length;
  const refused = all.filter((seat) => seat.refusal).length;
  const counts = /** @type {Record<string, number>} */ ({
    given,
    waiting: all.length - given - wrong - refused,
    wrong,
    opened: all.filter((seat) => seat.line || seat.decryptedAt).length,
    confirmed: all.filter((seat) => seat.confirmedAt).length,
    unopened: all.length - given + faults,
  });
  if (phase === "DECRYPTING" && all.length) {
    put(document.querySelector("#part-ruler li.now small"), say(`${given}/${all.length - refused} 已交密钥`, `${given}/${all.length - refused} released`));
  }
  for (const place of document.querySelectorAll("[data-tally]")) {
    put(place, String(counts[/** @type {HTMLElement} */ (place).dataset.tally ?? ""] ?? ""));
  }
}
