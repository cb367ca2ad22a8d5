// @ts-check
/** The sentences of the room, given by the server with the page: one catalogue for both, no text in code. */

const BEIJING_MS = 8 * 3600 * 1000;

export const isEnglish = document.documentElement.lang === "en";
/** @param {string} zh @param {string} en */
export const say = (zh, en) => (isEnglish ? en : zh);

/** `09:30:00` of an instant, Beijing time. @param {string} iso */
export function timeOf(iso) {
  return new Date(Date.parse(iso) + BEIJING_MS).toISOString().slice(11, 19);
}

/** @param {number} number */
export const two = (number) => String(number).padStart(2, "0");

/** `12,860,000.00` of a decimal text, digit by digit: no float ever holds money. @param {string} text */
export function moneyText(text) {
  const [whole, cents = ""] = text.split(".");
  return `${whole.replace(/\B(?=(\d{3})+$)/g, ",")}.${cents.padEnd(2, "0")}`;
}

const dated = (/** @type {string} */ iso) => new Date(Date.parse(iso) + BEIJING_MS).toISOString();

/** As on the server. @type {Record<string, (value: any) => string>} */
const STYLES = {
  time: timeOf,
  full: (iso) => `${dated(iso).slice(0, 10)} ${timeOf(iso)}`,
  minute: (iso) => dated(iso).slice(5, 16).replace("T", " "),
  date: (iso) => dated(iso).slice(0, 10),
};

/** A frame's data as people read it: the same as `told_values` on the server. @param {Record<string, any>} data */
export function toldValues(data) {
  const shown = { ...data };
  if (Number.isInteger(data.seat)) shown.seat = two(data.seat);
  if (typeof data.total === "string") shown.total = moneyText(data.total);
  for (const [name, value] of Object.entries(data)) {
    if (Array.isArray(value) && value.length === 0) shown[name] = say("无", "none");
  }
  return shown;
}

/**
 * Fill `{name}` and `{name:style}`; a style is one of STYLES or a prefix of terms, as on the server.
 * @param {string} template
 * @param {Record<string, any>} values
 * @param {Record<string, string>} terms
 */
export function fill(template, values, terms = {}) {
  return template.replace(/\{([a-z_]+)(?::([a-z_]+))?\}/g, (_, name, style) => {
    const value = values[name];
    if (value === undefined || value === null) return "…";
    if (style && STYLES[style]) return STYLES[style](value);
    if (style) return terms[`${style}.${value}`] ?? String(value);
    return Array.isArray(value) ? value.join(say("、", ", ")) : String(value);
  });
}

/** @typedef {{ sentences: Record<string, string>, terms: Record<string, string> }} Words */

/** The sentence of a frame, or "" for one that is not told. @param {Words} words @param {import("./store.js").Frame} frame */
export function sentenceOf(words, frame) {
  const template = words.sentences[frame.type];
  return template ? fill(template, toldValues(frame.data), words.terms) : "";
}
