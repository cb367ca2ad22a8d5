// @ts-check
/** Every frame of a room so far, asked for until nothing more comes: an answer holds a limited number of each audience. */

/** @typedef {import("./store.js").Frame} Frame */

/**
 * @param {string} lot
 * @param {string[]} audiences
 * @param {(url: string) => Promise<any>} read
 * @returns {Promise<Frame[]>}
 */
export async function allFrames(lot, audiences, read) {
  const heads = Object.fromEntries(audiences.map((audience) => [audience, 0]));
  /** @type {Frame[]} */
  const found = [];
  for (;;) {
    const after = audiences.map((audience) => `${audience}:${heads[audience]}`).join(",");
    const { frames } = await read(`/rooms/${lot}/events?after=${after}`);
    if (frames.length === 0) return found;
    for (const frame of frames) heads[frame.audience] = Math.max(heads[frame.audience], frame.seq);
    found.push(...frames);
  }
}
