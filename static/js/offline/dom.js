// @ts-check
/** What the offline encryptor's steps share: elements, words in both languages, failures that take the focus. */

import { SealingError } from "../sealing/errors.js";

/**
 * @param {string} id
 * @returns {any} the element; the page is broken without it
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`no #${id}`);
  return found;
}

/** A fault with its sentence in both languages: what a person has to put right. */
export class Fault extends Error {
  /**
   * @param {string} zh
   * @param {string} en
   */
  constructor(zh, en) {
    super(en);
    this.zh = zh;
    this.en = en;
  }
}

/**
 * A sentence in both languages; the sheet shows the one that is read.
 * @param {string} zh
 * @param {string} en
 * @returns {DocumentFragment}
 */
export function both(zh, en) {
  const made = document.createDocumentFragment();
  for (const [cls, lang, text] of [["zh", "zh-Hans", zh], ["en", "en", en]]) {
    const span = document.createElement("span");
    span.className = cls;
    span.lang = lang;
    span.textContent = text;
    made.append(span);
  }
  return made;
}

/**
 * @param {HTMLElement} place
 * @param {string} zh
 * @param {string} en
 */
export function say(place, zh, en) {
  place.replaceChildren(both(zh, en));
}

/**
 * @param {string} name of the sprite
 * @returns {SVGElement}
 */
export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("class", "i");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(space, "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

/**
 * A note with a shape, a title and perhaps more.
 * @param {"ok" | "warn" | "bad" | "info"} kind
 * @param {DocumentFragment} title
 * @param {...(Node | string)} more
 * @returns {HTMLElement}
 */
export function note(kind, title, ...more) {
  const made = document.createElement("div");
  made.className = `note note-${kind}`;
  const text = document.createElement("div");
  const head = document.createElement("span");
  head.className = "b";
  head.append(title);
  text.append(head, ...more);
  made.append(icon(kind), text);
  return made;
}

/** @type {Record<string, [string, string]>} */
const words = JSON.parse(byId("words").textContent);

/**
 * Show what went wrong where it happened.
 * @param {HTMLElement} place
 * @param {unknown} error
 */
export function fail(place, error) {
  let [zh, en] = ["没有完成，请再试一次。", "It was not finished; please try again."];
  if (error instanceof Fault) {
    [zh, en] = [error.zh, error.en];
  } else if (error instanceof SealingError) {
    const fields = /** @type {Record<string, string | number>} */ (error.fields);
    const fill = (/** @type {string} */ text) =>
      text.replace(/\{(\w+)(?::\w+)?\}/g, (_, name) => String(fields[name] ?? "…"));
    [zh, en] = (words[error.code] ?? words["sealing.failed"]).map(fill);
  } else {
    console.error(error);
  }
  const shown = note("bad", both(zh, en));
  shown.setAttribute("role", "alert");
  place.replaceChildren(shown);
  place.hidden = false;
  place.focus();
}

/**
 * Run the act of a form; its failure is shown at `failure`, which is empty while it runs.
 * @param {string} id of the form
 * @param {HTMLElement} failure
 * @param {() => Promise<void>} act
 */
export function onSubmit(id, failure, act) {
  let isBusy = false;
  byId(id).addEventListener("submit", async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    if (isBusy) return;
    isBusy = true;
    failure.hidden = true;
    try {
      await act();
    } catch (error) {
      fail(failure, error);
    } finally {
      isBusy = false;
    }
  });
}

/** @param {number} bytes */
export function sizeText(bytes) {
  const units = ["B", "kB", "MB", "GB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** One language at first, the other by the button in the corner. */
export function startLanguage() {
  const root = document.documentElement;
  root.lang = navigator.language.startsWith("zh") ? "zh-Hans" : "en";
  byId("language").addEventListener("click", () => {
    root.lang = root.lang === "en" ? "zh-Hans" : "en";
  });
}

/**
 * The bytes of a chosen file.
 * @param {File} file
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 */
export async function bytesOf(file) {
  return new Uint8Array(await file.arrayBuffer());
}

/** Let the page show what was said before work that holds the thread. */
export function breathe() {
  return new Promise((resolve) => setTimeout(resolve, 30));
}
