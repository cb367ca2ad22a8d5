// @ts-check
/** The time of a replay: frames in one order, where each of them lies, what is shown at a moment. Pure. */

/** @typedef {import("./store.js").Frame} Frame */

export const SPEEDS = [1, 2, 5, 10, 30, 60];
export const GAP_MS = 5000;
/** A gap longer than this becomes this long, where gaps are to be skipped. */
const SQUEEZED_MS = 1000;

/** The public first: it alone moves the phase. @param {string} audience */
const rank = (audience) => (audience === "public" ? 0 : audience === "staff" ? 1 : 2);

/**
 * One order for the frames of several audiences: by instant, the public before the others, each audience in its own.
 * @param {Frame[]} frames
 */
export function inOrder(frames) {
  return [...frames].sort(
    (a, b) =>
      Date.parse(a.at) - Date.parse(b.at) ||
      (a.at < b.at ? -1 : a.at > b.at ? 1 : 0) ||
      rank(a.audience) - rank(b.audience) ||
      a.seq - b.seq,
  );
}

/**
 * Where each frame lies on the tape, in milliseconds from the first one.
 * @param {Frame[]} frames in order
 * @param {boolean} isSqueezed whether long gaps are shortened
 * @returns {number[]}
 */
export function placesOf(frames, isSqueezed) {
  let place = 0;
  return frames.map((frame, index) => {
    const gap = index === 0 ? 0 : Math.max(0, Date.parse(frame.at) - Date.parse(frames[index - 1].at));
    place += isSqueezed && gap > GAP_MS ? SQUEEZED_MS : gap;
    return place;
  });
}

/**
 * How many frames were told when the tape stands at `place`.
 * @param {number[]} places
 * @param {number} place
 */
export function toldAt(places, place) {
  let [low, high] = [0, places.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (places[middle] <= place) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * The instant of the room's own clock when the tape stands at `place`, in milliseconds.
 * @param {Frame[]} frames
 * @param {number[]} places
 * @param {number} place
 */
export function instantAt(frames, places, place) {
  const told = toldAt(places, place);
  if (told === 0) return Date.parse(frames[0].at);
  const at = Date.parse(frames[told - 1].at);
  if (told === frames.length) return at;
  // Inside a shortened gap the room's clock runs faster than the tape.
  const [tape, room] = [places[told] - places[told - 1], Date.parse(frames[told].at) - at];
  return tape === 0 ? at : at + ((place - places[told - 1]) * room) / tape;
}

/**
 * Where each phase begins: [phase, how many frames are told then]. A phase that came back stands twice.
 * @param {Frame[]} frames
 * @returns {[string, number][]}
 */
export function phasesOf(frames) {
  /** @type {[string, number][]} */
  const found = [];
  let phase = "";
  frames.forEach((frame, index) => {
    if (frame.audience !== "public" || frame.state === phase) return;
    phase = frame.state;
    found.push([phase, index + 1]);
  });
  return found;
}
