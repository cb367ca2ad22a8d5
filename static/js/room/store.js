// @ts-check
/**
 * What happened in the room, folded from frames. Pure: no document, no socket, no clock.
 *
 * Each audience is one dense sequence. A frame that was seen is passed over, one that comes too early is kept until the
 * hole before it is filled; so every client that has the same frames has the same state, whatever the line did.
 */

/**
 * @typedef {object} Frame
 * @property {number} seq
 * @property {string} audience
 * @property {string} type
 * @property {string} at
 * @property {Record<string, any>} data
 * @property {string} state the phase after it
 * @property {string | null} phase_until
 *
 * @typedef {object} Seat what a row of the board shows
 * @property {string} [releasedAt]
 * @property {string} [escrowedAt]
 * @property {string} [escrowAskedAt]
 * @property {string} [escrowConfirmedAt]
 * @property {number} [tries]
 * @property {boolean} [isEqual]
 * @property {string} [decryptedAt]
 * @property {string} [fault]
 * @property {string} [refusal] the ground of law of a refused bid
 * @property {Record<string, any>} [line]
 * @property {boolean} [hasObjected]
 * @property {boolean} [noObjection]
 * @property {string} [confirmedAt]
 *
 * @typedef {object} State
 * @property {Record<string, number>} heads last number of each audience
 * @property {string} phase
 * @property {string | null} until
 * @property {Record<number, Seat>} seats
 * @property {Frame[]} log newest last, at most LOG_LIMIT
 * @property {number} structure counts frames after which the page's parts must be drawn anew by the server
 */

export const LOG_LIMIT = 300;
const EARLY_LIMIT = 2000;

/** What one frame changes in the row of its seat. Everything that is not here changes the structure of the page. */
const SEAT_CHANGES = /** @type {Record<string, (frame: Frame) => Seat>} */ ({
  seal_checked: ({ data }) => ({ isEqual: data.is_equal }),
  share_released: ({ at }) => ({ releasedAt: at }),
  share_rejected: ({ data }) => ({ tries: data.tries }),
  escrow_requested: ({ at }) => ({ escrowAskedAt: at }),
  escrow_request_confirmed: ({ at }) => ({ escrowConfirmedAt: at }),
  escrow_opened: ({ at }) => ({ escrowedAt: at }),
  price_decrypted: ({ at }) => ({ decryptedAt: at }),
  bid_refused: ({ data }) => ({ refusal: data.ground }),
  bid_unreadable: ({ data }) => ({ fault: data.fault }),
  line_read: ({ data }) => ({ line: data }),
  objection_raised: () => ({ hasObjected: true }),
  no_objection: () => ({ noObjection: true }),
  result_confirmed: ({ at }) => ({ confirmedAt: at }),
});

/** What people say: no line of the log and no part of the page follows from it (R3.34). */
const TALK = new Set(["message_said", "message_hidden"]);

/** @param {Frame} frame */
export const isTalk = (frame) => TALK.has(frame.type);

/** Frames of a seat that also add something to the page. */
const ADDS = new Set(["escrow_requested", "escrow_request_confirmed", "objection_raised", "bid_refused"]);

/**
 * @param {Record<string, number>} heads
 * @param {string} phase
 * @param {Record<number, Seat>} seats
 * @param {string | null} until
 * @returns {State}
 */
export function initialState(heads, phase = "", seats = {}, until = null) {
  return { heads: { ...heads }, phase, until, seats, log: [], structure: 0 };
}

/** @param {string | null} a @param {string | null} b */
const isSameInstant = (a, b) => a === b || (a !== null && b !== null && Date.parse(a) === Date.parse(b));

/** @param {State} state @param {Frame} frame @returns {Record<number, Seat>} */
function seatsAfter({ seats }, frame) {
  if (frame.type === "list_published") {
    // What another audience told of a seat may have come before the list: audiences have no common order.
    return Object.fromEntries(
      frame.data.bidders.map((/** @type {{ seat: number }} */ one) => [one.seat, seats[one.seat] ?? {}]),
    );
  }
  const change = SEAT_CHANGES[frame.type];
  const number = frame.data?.seat;
  if (change === undefined || !Number.isInteger(number)) return seats;
  return { ...seats, [number]: { ...seats[number], ...change(frame) } };
}

/**
 * The state after one more frame; the caller has checked its number.
 * @param {State} state
 * @param {Frame} frame
 * @returns {State}
 */
export function reduce(state, frame) {
  const isOfSeat = SEAT_CHANGES[frame.type] !== undefined && !ADDS.has(frame.type);
  // Audiences have no common order: a late frame of the staff must not bring an old phase back. The public is told of
  // every change of phase, so it alone says which one it is.
  const isTelling = frame.audience === "public" || !("public" in state.heads);
  const { phase, until } = isTelling ? { phase: frame.state, until: frame.phase_until } : state;
  // A seat's frame may also move the phase: the last confirmation closes the room.
  const moves = phase !== state.phase || !isSameInstant(until, state.until);
  return {
    heads: { ...state.heads, [frame.audience]: frame.seq },
    phase,
    until,
    seats: seatsAfter(state, frame),
    // Words are not kept: they may be hidden again, and who comes later never gets them.
    log: isTalk(frame) ? state.log : [...state.log, frame].slice(-LOG_LIMIT),
    structure: state.structure + ((isOfSeat || isTalk(frame)) && !moves ? 0 : 1),
  };
}

/** `after=` for the socket and for polling. @param {Record<string, number>} heads */
export function afterText(heads) {
  return Object.keys(heads)
    .sort()
    .map((audience) => `${audience}:${heads[audience]}`)
    .join(",");
}

/** Keeps the state, orders what comes, tells listeners. */
export class Store {
  /** @param {State} state */
  constructor(state) {
    this.state = state;
    /** @type {Map<string, Map<number, Frame>>} */
    this.early = new Map(Object.keys(state.heads).map((audience) => [audience, new Map()]));
    /** @type {Set<(state: State, frame: Frame) => void>} */
    this.listeners = new Set();
  }

  /** @param {(state: State, frame: Frame) => void} listener */
  subscribe(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /**
   * Take a frame: "applied", "seen" (nothing changes) or "gap" (kept; ask for what is missing before it).
   * @param {Frame} frame
   */
  accept(frame) {
    const early = this.early.get(frame.audience);
    if (early === undefined) return "seen"; // an audience this page did not ask for
    const head = this.state.heads[frame.audience];
    if (frame.seq <= head) return "seen";
    if (frame.seq > head + 1) {
      if (early.size < EARLY_LIMIT) early.set(frame.seq, frame);
      return "gap";
    }
    this.#apply(frame);
    for (let next = early.get(frame.seq + 1); next; next = early.get(next.seq + 1)) {
      early.delete(next.seq);
      this.#apply(next);
    }
    for (const number of early.keys()) if (number <= this.state.heads[frame.audience]) early.delete(number);
    return "applied";
  }

  /** Whether frames wait for a hole to be filled. */
  get hasGap() {
    return [...this.early.values()].some((early) => early.size > 0);
  }

  /** @param {Frame} frame */
  #apply(frame) {
    this.state = reduce(this.state, frame);
    for (const listener of this.listeners) listener(this.state, frame);
  }
}
