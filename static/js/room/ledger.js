// @ts-check
/**
 * What a room showed besides its seats: who was listed, what was read, drawn, objected. Folded from public frames, pure.
 * Together with `store.js` it is the whole truth of a room at one moment; a replay and a signature are made from it.
 */

/**
 * @typedef {import("./store.js").Frame} Frame
 *
 * @typedef {object} Listed
 * @property {number} seat
 * @property {string} name
 * @property {string} bid
 * @property {boolean} is_checked_in
 *
 * @typedef {object} Draw
 * @property {string} name
 * @property {string} value
 * @property {string[]} pool
 * @property {string} transcript
 * @property {string} seed
 * @property {string} at
 *
 * @typedef {object} Objection
 * @property {string} id
 * @property {number} seat
 * @property {string} text
 * @property {string} at
 * @property {string} [answer]
 * @property {string} [side]
 * @property {string} [settledAt]
 * @property {boolean} [isWithdrawn]
 *
 * @typedef {object} Ledger
 * @property {Listed[]} listed in seat order
 * @property {Record<number, Record<string, any>>} lines what was read out, by seat
 * @property {Record<number, string>} faults why a bid was not opened, by seat
 * @property {Draw[]} draws
 * @property {Objection[]} objections in the order raised
 */

/** @type {Ledger} */
export const EMPTY = Object.freeze({ listed: [], lines: {}, faults: {}, draws: [], objections: [] });

/** @param {Ledger} ledger @param {string} id @param {Partial<Objection>} change */
function settled(ledger, id, change) {
  const objections = ledger.objections.map((one) => (one.id === id ? { ...one, ...change } : one));
  return { ...ledger, objections };
}

/** @type {Record<string, (ledger: Ledger, frame: Frame) => Ledger>} */
const STEPS = {
  list_published: (ledger, { data }) => ({ ...ledger, listed: [...data.bidders].sort((a, b) => a.seat - b.seat) }),
  bid_unreadable: (ledger, { data }) => ({ ...ledger, faults: { ...ledger.faults, [data.seat]: data.fault } }),
  line_read: (ledger, { data }) => ({ ...ledger, lines: { ...ledger.lines, [data.seat]: data } }),
  coefficient_drawn: (ledger, { data, at }) => {
    const { name, value, pool, transcript, seed } = data;
    return { ...ledger, draws: [...ledger.draws, { name, value, pool, transcript, seed, at }] };
  },
  objection_raised: (ledger, { data, at }) => ({
    ...ledger,
    objections: [...ledger.objections, { id: data.objection, seat: data.seat, text: data.text, at }],
  }),
  objection_answered: (ledger, { data, at }) =>
    settled(ledger, data.objection, { answer: data.text, side: data.side, settledAt: at }),
  objection_withdrawn: (ledger, { data, at }) => settled(ledger, data.objection, { isWithdrawn: true, settledAt: at }),
};

/**
 * The ledger after one more frame; frames of other types, and of private audiences, change nothing.
 * @param {Ledger} ledger
 * @param {Frame} frame
 * @returns {Ledger}
 */
export function keep(ledger, frame) {
  const step = frame.audience === "public" ? STEPS[frame.type] : undefined;
  return step ? step(ledger, frame) : ledger;
}

/** @param {Iterable<Frame>} frames */
export function ledgerOf(frames) {
  let ledger = EMPTY;
  for (const frame of frames) ledger = keep(ledger, frame);
  return ledger;
}
