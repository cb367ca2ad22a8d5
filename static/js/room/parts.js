// @ts-check
/**
 * Parts of a page that only change with the room's structure (a phase, a draw, an objection) are drawn by the server:
 * one place knows how they look. Here the page is asked again, once for many frames, and its parts are exchanged.
 */

const SOON_MS = 150;
const CROWD_MS = 2500; // thousands of galleries must not ask in the same instant

export class Parts {
  /**
   * @param {string} url the page's own address
   * @param {boolean} isCrowd whether many others see the same page
   * @param {(fresh: Document) => void} onFresh called when parts were exchanged
   */
  constructor(url, isCrowd, onFresh) {
    this.url = url;
    this.isCrowd = isCrowd;
    this.onFresh = onFresh;
    this.timer = 0;
    this.isAsking = false;
    this.isAskedAgain = false;
  }

  /** Something of the structure changed. */
  refreshSoon() {
    if (this.isAsking) this.isAskedAgain = true;
    if (this.timer || this.isAsking) return;
    const wait = SOON_MS + (this.isCrowd ? Math.random() * CROWD_MS : 0);
    this.timer = window.setTimeout(() => this.#refresh(), wait);
  }

  async #refresh() {
    this.timer = 0;
    this.isAsking = true;
    this.isAskedAgain = false;
    try {
      const answer = await fetch(this.url, { headers: { Accept: "text/html" }, cache: "no-store" });
      if (answer.ok) this.#exchange(new DOMParser().parseFromString(await answer.text(), "text/html"));
    } catch {
      this.isAskedAgain = true; // the line tells of the loss; the page asks again
    }
    this.isAsking = false;
    if (this.isAskedAgain) window.setTimeout(() => this.refreshSoon(), 1000);
  }

  /** @param {Document} fresh */
  #exchange(fresh) {
    document.title = fresh.title;
    // A part that did not exist before (the board's frame, the prices) has its place in the order of the page.
    for (const part of fresh.querySelectorAll("[data-part]")) {
      const old = document.getElementById(part.id);
      if (old === null) insert(part);
      else if (!isBusy(old, part)) exchange(old, part);
    }
    for (const old of document.querySelectorAll("[data-part]")) {
      if (!fresh.getElementById(old.id)) old.remove();
    }
    this.onFresh(fresh);
  }
}

/** A part that is new to the page, after the nearest part before it. @param {Element} part */
function insert(part) {
  let before = part.previousElementSibling;
  while (before && !(before.id && document.getElementById(before.id))) before = before.previousElementSibling;
  const node = document.importNode(part, true);
  const anchor = before && document.getElementById(before.id);
  if (anchor) anchor.after(node);
  else document.querySelector("main .stack")?.prepend(node);
}

/** Somebody is typing or deciding in it, and it is still about the same. @param {Element} old @param {Element} part */
function isBusy(old, part) {
  const isSame = old.getAttribute("data-version") === part.getAttribute("data-version");
  const isTyping = old.contains(document.activeElement) && document.activeElement?.matches("input, textarea, select");
  const hasText = [...old.querySelectorAll("textarea")].some((area) => area.value !== "");
  // A form that was unfolded would close, and a chosen file be lost.
  return isSame && Boolean(old.querySelector("dialog[open], details[open] form input:not([type=hidden])") || isTyping || hasText);
}

/** What somebody has typed and not sent goes along into the new part. @param {Element} old @param {Element} node */
function keepWords(old, node) {
  for (const area of old.querySelectorAll("textarea[id]")) {
    const next = node.querySelector(`#${CSS.escape(area.id)}`);
    if (area instanceof HTMLTextAreaElement && next instanceof HTMLTextAreaElement && !next.value) next.value = area.value;
  }
}

/** @param {Element} old @param {Element} part */
function exchange(old, part) {
  const focused = old.contains(document.activeElement) ? document.activeElement : null;
  const key = focused?.id;
  const node = document.importNode(part, true);
  keepWords(old, node);
  old.replaceWith(node);
  if (focused) {
    // The focus stays in the part it was in, or a keyboard user would be thrown to the top of the page.
    const next = (key && document.getElementById(key)) || node.querySelector("h1, h2");
    if (next instanceof HTMLElement) {
      if (next.matches("h1, h2")) next.tabIndex = -1;
      next.focus({ preventScroll: true });
    }
  }
}
