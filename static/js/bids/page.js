// @ts-check
/** What the bidder's pages share: words in the reader's language, JSON requests, states shown by shape and word. */

import { SealingError } from "../sealing/errors.js";

const isEnglish = document.documentElement.lang === "en";

/**
 * @param {string} zh
 * @param {string} en
 */
export const say = (zh, en) => (isEnglish ? en : zh);

/**
 * @param {string} id
 * @returns {any} the element; the page is broken without it
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`no #${id}`);
  return found;
}

/** @type {Record<string, string>} */
let words = {};

/** @param {HTMLElement} root carries the sentences as `data-words` */
export function readWords(root) {
  words = JSON.parse(root.dataset.words ?? "{}");
}

/**
 * @param {string} key
 * @returns {string} the sentence of a code, "" when there is none
 */
export const wordOf = (key) => words[key] ?? "";

/** A refusal of the server, already in words. */
export class Refused extends Error {
  /**
   * @param {string} title
   * @param {string[]} reasons
   * @param {string} [detail]
   */
  constructor(title, reasons, detail = "") {
    super(title);
    this.reasons = reasons;
    this.detail = detail;
  }
}

/** The server or the line is not there right now: worth trying again. */
export class Unreachable extends Error {}

/**
 * An error as sentences.
 * @param {unknown} error
 * @returns {{ title: string, reasons: string[], detail: string }}
 */
export function spoken(error) {
  if (error instanceof Refused) return { title: error.message, reasons: error.reasons, detail: error.detail };
  if (error instanceof SealingError) {
    const text = words[error.code] ?? words["sealing.failed"] ?? error.code;
    const fields = /** @type {Record<string, string | number>} */ (error.fields);
    const title = text.replace(/\{(\w+)(?::\w+)?\}/g, (_, name) => String(fields[name] ?? "…"));
    return { title, reasons: [], detail: "" };
  }
  if (error instanceof Unreachable) {
    const title = say("连不上平台，请检查网络后再试。", "The platform is out of reach; check the network and try again.");
    return { title, reasons: [], detail: "" };
  }
  console.error(error);
  return { title: words["sealing.failed"] ?? String(error), reasons: [], detail: "" };
}

/** @returns {Record<string, string>} headers that ride with every change */
export function changeHeaders() {
  const token = document.querySelector('meta[name="csrf-token"]')?.getAttribute("content") ?? "";
  return { "X-CSRFToken": token };
}

/**
 * Ask for JSON, or send it. Throws Refused with the server's sentences, Unreachable when trying again may help.
 * @param {string} url
 * @param {unknown} [body]
 * @returns {Promise<any>}
 */
export async function askJson(url, body) {
  /** @type {RequestInit} */
  const request = { headers: { Accept: "application/json" }, cache: "no-store" };
  if (body !== undefined) {
    request.method = "POST";
    request.body = JSON.stringify(body);
    request.headers = { Accept: "application/json", "Content-Type": "application/json", ...changeHeaders() };
  }
  let response;
  try {
    response = await fetch(url, request);
  } catch {
    throw new Unreachable();
  }
  if (response.status >= 500 || response.status === 429) throw new Unreachable();
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  const reasons = (answer.objections ?? []).map(
    (/** @type {{ detail: string, clause: string }} */ one) => one.detail + (one.clause ? say(`（${one.clause}）`, ` (${one.clause})`) : ""),
  );
  throw new Refused(answer.title ?? String(response.status), reasons, answer.detail ?? "");
}

/**
 * Put a state into an element: icon, word, colour.
 * @param {Element} place
 * @param {"ok" | "run" | "wait" | "warn" | "bad"} kind
 * @param {string} text
 */
export function showState(place, kind, text) {
  const shown = document.createElement("span");
  shown.className = `st st-${kind}`;
  shown.append(icon(kind), text);
  place.replaceChildren(shown);
}

/**
 * @param {string} name
 * @param {string} [cls]
 */
export function icon(name, cls = "") {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", `i ${cls}`.trim());
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

/**
 * Show what went wrong as a note that takes the focus, so that it is read.
 * @param {HTMLElement} place
 * @param {unknown} error
 */
export function showFailure(place, error) {
  const { title, reasons, detail } = spoken(error);
  const note = document.createElement("div");
  note.className = "note note-bad";
  note.setAttribute("role", "alert");
  const text = document.createElement("div");
  const head = document.createElement("span");
  head.className = "b";
  head.textContent = title;
  text.append(head);
  if (reasons.length > 0) {
    const list = document.createElement("ul");
    for (const reason of reasons) {
      const item = document.createElement("li");
      item.textContent = reason;
      list.append(item);
    }
    text.append(list);
  }
  if (detail) {
    const more = document.createElement("p");
    more.textContent = detail;
    text.append(more);
  }
  note.append(icon("bad"), text);
  place.replaceChildren(note);
  place.hidden = false;
  place.focus();
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
