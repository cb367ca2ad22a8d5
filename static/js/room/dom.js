// @ts-check
/** Small builders of elements. Text enters the page as text only. */

const SVG = "http://www.w3.org/2000/svg";
const COLOURS = /** @type {Record<string, string>} */ ({ off: "warn", pause: "warn", link: "ok", lock: "wait", open: "ok" });

/** @param {string} name */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "i");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

/** A status: shape, word, colour. @param {string} kind @param {string} text @param {string} [shape] */
export function status(kind, text, shape = kind) {
  const span = document.createElement("span");
  span.className = `st st-${COLOURS[kind] ?? kind}`;
  span.append(icon(shape), text);
  return span;
}

/** @param {string} cls @param {string} shape @param {string} text */
export function door(cls, shape, text) {
  const span = document.createElement("span");
  span.className = `door${cls ? ` ${cls}` : ""}`;
  span.append(icon(shape), text);
  return span;
}

/** Put one element into a cell, unless it already says the same. @param {Element | null} cell @param {HTMLElement} made */
export function show(cell, made) {
  if (!cell) return;
  const old = cell.firstElementChild;
  if (old && old.className === made.className && old.textContent === made.textContent) return;
  cell.replaceChildren(made);
}

/** @param {Element | null} element @param {string} text */
export function put(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}
