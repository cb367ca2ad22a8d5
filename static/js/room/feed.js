// @ts-check
/** The room log: newest first, written at most every two seconds, so that a screen reader is not drowned. */

import { sentenceOf, timeOf } from "./words.js";

/** @typedef {import("./store.js").Frame} Frame */

const BATCH_MS = 2000;
const LINES_LIMIT = 60;

export class Feed {
  /**
   * @param {Element} list
   * @param {import("./words.js").Words} words
   */
  constructor(list, words) {
    this.list = list;
    this.words = words;
    this.limit = Number(/** @type {HTMLElement} */ (list).dataset.limit) || LINES_LIMIT;
    /** @type {Frame[]} */
    this.waiting = [];
    this.wroteAt = -BATCH_MS;
    this.timer = 0;
  }

  /** @param {Frame} frame */
  add(frame) {
    if (!sentenceOf(this.words, frame)) return;
    this.waiting.push(frame);
    if (this.timer) return;
    const wait = Math.max(0, this.wroteAt + BATCH_MS - performance.now());
    this.timer = window.setTimeout(() => this.#write(), wait);
  }

  #write() {
    this.timer = 0;
    this.wroteAt = performance.now();
    // Audiences are sequences of their own; on the page they stand together by time.
    this.waiting.sort((a, b) => (a.at === b.at ? 0 : a.at < b.at ? 1 : -1));
    this.list.prepend(...this.waiting.map((frame) => this.#line(frame)));
    this.waiting = [];
    while (this.list.children.length > this.limit) this.list.lastElementChild?.remove();
  }

  /** @param {Frame} frame */
  #line(frame) {
    const item = document.createElement("li");
    const time = document.createElement("time");
    time.dateTime = frame.at;
    time.textContent = timeOf(frame.at);
    const sentence = document.createElement("span");
    const number = document.createElement("small");
    number.textContent = `#${frame.audience === "public" ? "" : "s"}${frame.seq}`;
    sentence.append(sentenceOf(this.words, frame), " ", number);
    item.append(time, sentence);
    return item;
  }
}
