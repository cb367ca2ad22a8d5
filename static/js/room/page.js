// @ts-check
/** A room page: starts the line, folds frames, draws what changed. Without it the page is right when it is reloaded. */

import { drawSeat, drawTally } from "./board.js";
import { Feed } from "./feed.js";
import { LineView } from "./lineview.js";
import { Parts } from "./parts.js";
import { replay } from "./replay.js";
import { Line } from "./socket.js";
import { offerSpeech, spoken } from "./speech.js";
import { initialState, Store } from "./store.js";
import { put, status } from "./dom.js";
import { moneyText, say } from "./words.js";

/** @typedef {import("./store.js").Frame} Frame */

const root = /** @type {HTMLElement} */ (document.getElementById("room"));
const { lot = "", desk = "", phase = "", roomPort = "0", self = "", until = "" } = root.dataset;
/** @type {import("./words.js").Words} */
const words = JSON.parse(root.dataset.words ?? "{}");
const store = new Store(
  initialState(JSON.parse(root.dataset.heads ?? "{}"), phase, JSON.parse(root.dataset.seats ?? "{}"), until || null),
);
/** @type {Record<number, { online: boolean }>} */
const present = {};

const list = document.querySelector("[data-feed]");
const feed = list ? new Feed(list, words) : null;
const parts = new Parts(self, desk === "gallery", (fresh) => {
  // The seat is only known once the list is published.
  const own = fresh.getElementById("room")?.dataset.own;
  if (own) root.dataset.own = own;
  afterExchange();
});

/** Frames that concern this seat alone change whose turn it is. @param {Frame} frame */
function isMyTurn(frame) {
  return frame.audience.startsWith("bidder:") || frame.data?.seat === Number(root.dataset.own ?? -1);
}

let structure = store.state.structure;
store.subscribe((state, frame) => {
  feed?.add(frame);
  const number = frame.data?.seat;
  if (Number.isInteger(number) && state.seats[number]) {
    drawSeat(number, state.seats[number], state.phase, words, present[number]);
    drawTally(state.seats, state.phase);
    if (frame.type === "line_read") drawLine(frame);
  }
  // What the host may do next depends on every seat: all prices decrypted, all lines read, everybody confirmed.
  if (state.structure !== structure || isMyTurn(frame) || (desk === "host" && Number.isInteger(number))) {
    structure = state.structure;
    parts.refreshSoon();
  }
});

/** A line of the reading table, as it is read out. @param {Frame} frame */
function drawLine({ data }) {
  const row = document.querySelector(`[data-line-of="${data.seat}"]`);
  if (!(row instanceof HTMLElement)) return;
  row.dataset.read = JSON.stringify(data);
  const [price, days, quality, manager] = row.querySelectorAll("td[data-l]");
  put(price, moneyText(data.total));
  put(days, String(data.duration_days));
  put(quality, data.quality);
  put(manager, data.project_manager);
}

const line = new Line({
  socketUrl: socketUrl(),
  pollUrl: `/rooms/${lot}/events`,
  store,
  onStatus: (next) => view.take(next),
  onPresence: (presence) => showPresence(presence),
});
const view = new LineView(
  () => store.state.heads,
  () => line.retryNow(),
);

function socketUrl() {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const host = roomPort === "0" ? location.host : `${location.hostname}:${roomPort}`;
  return `${scheme}://${host}/rooms/${lot}`;
}

/** Staff only: who of the bidders is in the line, and how many listen. @param {Record<string, any>} presence */
function showPresence({ bidders, gallery, staff }) {
  for (const place of document.querySelectorAll("[data-presence]")) {
    put(place, say(`内部在线 ${staff} · 旁听 ${gallery}`, `Staff online ${staff} · Gallery ${gallery}`));
  }
  for (const row of document.querySelectorAll("tr[data-seat][data-org]")) {
    const { seat, org } = /** @type {HTMLElement} */ (row).dataset;
    const known = bidders[org ?? ""];
    if (!known) continue; // never seen here: not "offline"
    present[Number(seat)] = known;
    drawSeat(Number(seat), store.state.seats[Number(seat)] ?? {}, store.state.phase, words, known);
  }
}

/** What scripts add to freshly drawn parts. */
function afterExchange() {
  for (const [number, seat] of Object.entries(store.state.seats)) {
    drawSeat(Number(number), seat, store.state.phase, words, present[Number(number)]);
  }
  drawTally(store.state.seats, store.state.phase);
  view.draw();
  enliven();
}

function enliven() {
  for (const button of document.querySelectorAll("[data-replay][hidden]")) {
    if (!(button instanceof HTMLElement)) continue;
    button.hidden = false;
    button.addEventListener("click", () => replayHere(button));
  }
  for (const button of document.querySelectorAll("[data-speak]:not([data-live])")) {
    button.setAttribute("data-live", "");
    offerSpeech(/** @type {HTMLButtonElement} */ (button), () =>
      [...document.querySelectorAll("[data-read]")].map((row) => spoken(JSON.parse(/** @type {HTMLElement} */ (row).dataset.read ?? "{}"))),
    );
  }
}

/** @param {HTMLElement} button */
async function replayHere(button) {
  const box = button.closest("[data-draw]");
  const place = box?.querySelector("[data-replayed]");
  if (!(box instanceof HTMLElement) || !place) return;
  const found = await replay(JSON.parse(box.dataset.draw ?? "{}"));
  const text = found.isEqual
    ? say(`重算一致：${found.tickets.length} 个备选值中抽中 ${found.value}，${found.contributions} 家贡献随机数`, `Same result: ${found.value} of ${found.tickets.length} values, seeded by ${found.contributions} bids`)
    : say(`重算不一致：本机得到 ${found.value}`, `Different result: this device draws ${found.value}`);
  place.replaceChildren(status(found.isEqual ? "ok" : "bad", text));
}

if (desk === "seat") {
  const { startSeat } = await import("./seat.js");
  startSeat(lot, () => parts.refreshSoon());
}
enliven();
line.start();
