// @ts-check
/** A room page: starts the line, folds frames, draws what changed. Without it the page is right when it is reloaded. */

import { drawSeat, drawTally } from "./board.js";
import { recheckHere } from "./drawcheck.js";
import { Feed } from "./feed.js";
import { LineView } from "./lineview.js";
import { Parts } from "./parts.js";
import { Line } from "./socket.js";
import { drawLine } from "./reading.js";
import { reveal, takeAsRead } from "./reveal.js";
import { follow, offerSpeech } from "./speech.js";
import { initialState, Store } from "./store.js";
import { Talk } from "./talk.js";
import { put } from "./dom.js";
import { say } from "./words.js";

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

const talk = new Talk(words);
let structure = store.state.structure;
store.subscribe((state, frame) => {
  if (talk.take(frame)) return;
  feed?.add(frame);
  const number = frame.data?.seat;
  if (Number.isInteger(number) && state.seats[number]) {
    drawSeat(number, state.seats[number], state.phase, words, present[number]);
    drawTally(state.seats, state.phase);
    if (frame.type === "line_read") {
      drawLine(frame.data, words);
      reveal();
      follow(frame.data, words);
    }
  }
  // What the host may do next depends on every seat: all prices decrypted, all lines read, everybody confirmed.
  if (state.structure !== structure || isMyTurn(frame) || (desk === "host" && Number.isInteger(number))) {
    structure = state.structure;
    parts.refreshSoon();
  }
});

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
  talk.draw();
  view.draw();
  reveal();
  enliven();
}

function enliven() {
  for (const button of document.querySelectorAll("[data-replay][hidden]")) {
    if (!(button instanceof HTMLElement)) continue;
    button.hidden = false;
    button.addEventListener("click", () => recheckHere(button, lot));
  }
  offerSpeech(words);
}

if (desk === "seat") {
  const { startSeat } = await import("./seat.js");
  startSeat(lot, () => parts.refreshSoon());
}
takeAsRead();
enliven();
line.start();
