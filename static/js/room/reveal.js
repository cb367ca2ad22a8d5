// @ts-check
/**
 * Lines that are read out while somebody watches fill the table one after the other, as a voice would give them. Who
 * comes later sees them at once, and so does who asked the device for less motion. The facts are in the page already.
 */

const LINE_MS = 500;

/** When the figures of a seat may be seen, by `performance.now()`. @type {Map<string, number>} */
const shownAt = new Map();

/** @returns {HTMLElement[]} */
const readRows = () => [...document.querySelectorAll("tr[data-line-of][data-read]")].filter((row) => row instanceof HTMLElement);

/** What the page came with was read before. */
export function takeAsRead() {
  for (const row of readRows()) shownAt.set(row.dataset.lineOf ?? "", 0);
}

/** Let lines that are new come one by one; drawn anew meanwhile, they keep their turn. */
export function reveal() {
  const now = performance.now();
  const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  for (const row of readRows()) {
    const seat = row.dataset.lineOf ?? "";
    if (!shownAt.has(seat)) shownAt.set(seat, isCalm ? 0 : Math.max(now, ...shownAt.values()) + LINE_MS);
    const delay = (shownAt.get(seat) ?? 0) - now;
    if (delay <= 0) continue;
    for (const cell of row.querySelectorAll("td[data-l]")) {
      cell.animate({ visibility: ["hidden", "hidden"] }, { duration: delay });
    }
  }
}
