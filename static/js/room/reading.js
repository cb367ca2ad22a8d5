// @ts-check
/** The rows of the reading table (唱标表): figures as they were told, with the marks of what stands out. */

import { put, status } from "./dom.js";
import { moneyText } from "./words.js";

/** @typedef {import("./words.js").Words} Words */

/**
 * A line of the table as it is read out; the server draws the same when the page is loaded.
 * @param {Record<string, any>} line of a line_read frame
 * @param {Words} words
 */
export function drawLine(line, words) {
  const row = document.querySelector(`[data-line-of="${line.seat}"]`);
  if (!(row instanceof HTMLElement)) return;
  row.dataset.read = JSON.stringify(line);
  const [price, days, quality, manager] = row.querySelectorAll("td[data-l]");
  fillLine({ price, days, quality, manager }, line, words);
}

/**
 * @param {{ price: Element | null, days: Element | null, quality: Element | null, manager: Element | null }} cells
 * @param {Record<string, any>} line
 * @param {Words} words
 */
export function fillLine(cells, line, words) {
  const amount = moneyText(line.total);
  if (line.total_words && cells.price) {
    const inWords = document.createElement("small");
    inWords.textContent = line.total_words;
    inWords.lang = "zh-Hans";
    cells.price.replaceChildren(amount, document.createElement("br"), inWords);
  } else {
    put(cells.price, amount);
  }
  put(cells.days, String(line.duration_days));
  const marks = (line.marks ?? []).map((/** @type {string} */ code) => status("warn", words.terms[`price_remark.${code}`] ?? code));
  cells.quality?.replaceChildren(line.quality || "—", ...marks.flatMap((/** @type {HTMLElement} */ one) => [document.createElement("br"), one]));
  put(cells.manager, line.project_manager || "—");
}
