// @ts-check
/**
 * The page of a session: several rooms side by side, each with its own line and its own state. A line that is lost
 * concerns its own lot alone. Bidders release here too: lot by lot, each with the key of that lot, on this device.
 */

import { put, show, status } from "./dom.js";
import { Feed } from "./feed.js";
import { Parts } from "./parts.js";
import { envelopeOf, giveRelease, wordsFor } from "./releasing.js";
import { Line } from "./socket.js";
import { initialState, Store } from "./store.js";
import { codeOf, report } from "./trouble.js";
import { say } from "./words.js";
import { releaseWithKeptKey } from "../sealing/release.js";

/** @typedef {import("./store.js").Frame} Frame */
/** @typedef {import("./socket.js").Status} Status */

/**
 * @typedef {object} Lot as the server gives it
 * @property {string} lot
 * @property {number} number
 * @property {string} phase
 * @property {string | null} until
 * @property {Record<string, number>} heads
 * @property {Record<number, import("./store.js").Seat>} seats
 * @property {boolean} isLive whether it gets a line of its own
 * @property {number | null} own the reader's seat
 */

const WITHOUT_LINE_MS = 10_000;

const root = /** @type {HTMLElement} */ (document.getElementById("session"));
const { roomPort = "0", self = "", desk = "" } = root.dataset;
/** @type {Lot[]} */
const lots = JSON.parse(root.dataset.lots ?? "[]");
/** @type {import("./words.js").Words} */
const words = JSON.parse(root.dataset.words ?? "{}");
const list = document.querySelector("[data-feed]");
/** @type {Map<string, Status["state"]>} */
const lines = new Map();
/** What was said about a release of a lot, by lot: it outlives the exchange of parts. @type {Map<string, HTMLElement>} */
const said = new Map();
/** @type {Set<string>} */
const releasing = new Set();

const parts = new Parts(self, desk === "gallery", () => draw());

/** The sentences of frames with the lot in front. @param {number} number @returns {import("./words.js").Words} */
function wordsOf(number) {
  const prefix = say(`标段 ${number}：`, `Lot ${number}: `);
  const sentences = Object.entries(words.sentences).map(([type, text]) => [type, text && prefix + text]);
  return { terms: words.terms, sentences: Object.fromEntries(sentences) };
}

/** @param {string} lot */
function socketUrl(lot) {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const host = roomPort === "0" ? location.host : `${location.hostname}:${roomPort}`;
  return `${scheme}://${host}/rooms/${lot}`;
}

/** @param {Lot} one */
function follow({ lot, number, phase, until, heads, seats, own }) {
  const store = new Store(initialState(heads, phase, seats, until));
  const feed = list ? new Feed(list, wordsOf(number)) : null;
  let structure = store.state.structure;
  store.subscribe((state, frame) => {
    feed?.add(frame);
    drawGiven(lot, state.seats);
    // For the host every seat counts: when all have acted, its next act becomes possible.
    const isMine = frame.audience.startsWith("bidder:") || (own !== null && frame.data?.seat === own);
    const isNews = state.structure !== structure || frame.type === "line_read" || isMine || desk === "host";
    structure = state.structure;
    if (isNews) parts.refreshSoon();
  });
  new Line({
    socketUrl: socketUrl(lot),
    pollUrl: `/rooms/${lot}/events`,
    store,
    onStatus: ({ state }) => {
      lines.set(lot, state);
      drawLines();
    },
  }).start();
}

/** @param {string} lot @param {Record<number, import("./store.js").Seat>} seats */
function drawGiven(lot, seats) {
  const given = Object.values(seats).filter((seat) => seat.releasedAt || seat.escrowedAt).length;
  put(document.querySelector(`[data-given="${lot}"]`), String(given));
}

/** One mark for all lines, and one at the lot whose line is lost. */
function drawLines() {
  const states = [...lines.values()];
  const lost = states.filter((state) => state === "lost").length;
  let mark = status("link", say("连接正常", "Connected"), "link");
  if (states.includes("connecting")) mark = status("wait", say("正在连接", "Connecting"), "link");
  if (lost) mark = status("off", say(`${lost} 个标段断开，正在重连`, `${lost} lost, reconnecting`), "off");
  if (states.includes("refused")) mark = status("off", say("未连接，请重新登录", "Not live; sign in again"), "off");
  if (states.length === 0) mark = status("ok", say("每十秒更新", "Updated every ten seconds"), "link");
  for (const place of document.querySelectorAll("[data-line]")) show(place, mark);
  for (const [lot, state] of lines) {
    const place = document.querySelector(`[data-line-of="${lot}"]`);
    if (!(place instanceof HTMLElement)) continue;
    place.hidden = state !== "lost";
    if (state === "lost") show(place, status("off", say("连接断开，正在重连；席位和权利不变", "Line lost, reconnecting; seat and rights unchanged"), "off"));
  }
}

/** What scripts add to freshly drawn parts. */
function draw() {
  drawLines();
  for (const [lot, mark] of said) document.querySelector(`[data-release-result="${lot}"]`)?.replaceChildren(mark);
}

/** @param {string} lot @param {string} kind @param {string} text */
function tell(lot, kind, text) {
  said.set(lot, status(kind, text));
  draw();
}

/** Unwrap on this device, hand in 32 bytes of this one lot. True when it was taken. @param {string} lot */
async function release(lot) {
  if (releasing.has(lot)) return false;
  releasing.add(lot);
  tell(lot, "run", say("正在本机解开…", "Unwrapping on this device…"));
  try {
    const { header, expected } = await envelopeOf(lot);
    await giveRelease(lot, await releaseWithKeptKey(header, expected));
    tell(lot, "ok", say("已交出，与封存承诺相符", "Released; it matches your seal"));
    return true;
  } catch (error) {
    tell(lot, "bad", wordsFor(error));
    report(lot, codeOf(error));
    return false;
  } finally {
    releasing.delete(lot);
    parts.refreshSoon();
  }
}

/** One lot after the other; what fails in one stops no other. @param {HTMLElement} button */
async function releaseAll(button) {
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  const open = [...document.querySelectorAll("[data-release]")].map((one) => /** @type {HTMLElement} */ (one).dataset.release ?? "");
  let taken = 0;
  for (const lot of open) if (await release(lot)) taken += 1;
  const left = open.length - taken;
  const text = left
    ? say(`交出 ${taken} 个标段，${left} 个没有交出，原因见各标段`, `Released in ${taken} lots; not in ${left}, see there why`)
    : say(`已交出全部 ${taken} 个标段`, `Released in all ${taken} lots`);
  put(document.getElementById("announce"), text);
  document.querySelector("[data-release-all-result]")?.replaceChildren(status(left ? "bad" : "ok", text));
  button.removeAttribute("aria-disabled");
}

document.addEventListener("click", (event) => {
  if (!(event.target instanceof Element)) return;
  const one = event.target.closest("[data-release]");
  if (one instanceof HTMLElement) void release(one.dataset.release ?? "");
  const all = event.target.closest("[data-release-all]");
  if (all instanceof HTMLElement) void releaseAll(all);
});

const live = lots.filter((one) => one.isLive);
for (const one of live) follow(one);
// More lots are under way than lines are opened: the page is asked again for all of them.
if (root.dataset.without) setInterval(() => parts.refreshSoon(), WITHOUT_LINE_MS);
drawLines();
