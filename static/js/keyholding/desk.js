// @ts-check
/** A holder's page: shows what is asked of its seat, and does it once the holder has seen why. */

import { askJson, byId, readWords, say, showFailure, showState, spoken } from "../bids/page.js";
import { SealingWorker } from "../sealing/client.js";
import { askForPersistence } from "../sealing/keystore.js";
import { cardOf } from "./cards.js";
import { keptKey, recordId } from "./records.js";
import { TrustStep } from "./trust.js";

/** @typedef {import("../verify/signed.js").Trust} Trust */

const LOOK_MS = 4000;
const root = byId("holder-desk");
const { seat = "", tasks: tasksUrl = "", base = "", policy = "", entries = "" } = root.dataset;
const failure = byId("desk-failure");
const worker = new SealingWorker();

/** @type {Trust | null} */ let trust = null;
let shownPlaces = "";
/** @type {Map<string, { element: HTMLElement, isBusy: () => boolean }>} */ const cards = new Map();

/** @param {unknown} error */
function complain(error) {
  showFailure(failure, error);
}

/** @param {any} task */
function nameOf(task) {
  const bids = (task.bids ?? []).map((/** @type {any} */ one) => one.bid).join();
  return [task.kind, task.keyset_id, task.rehearsal_id ?? "", task.entry_id ?? "", bids].join(" ");
}

const desk = {
  base,
  worker,
  askEntry: (/** @type {string} */ id) => askJson(entries.replace("ID", id)),
  /** What the server made of an answer shows in the next look. */
  look: () => look().catch(complain),
  trust: () => trust,
};

async function look() {
  if (trust === null) return;
  const { tasks, places } = await askJson(tasksUrl);
  const wanted = new Map(tasks.map((/** @type {any} */ task) => [nameOf(task), task]));
  for (const [name, card] of cards) {
    if (wanted.has(name) || card.isBusy()) continue;
    card.element.remove();
    cards.delete(name);
  }
  for (const [name, task] of wanted) {
    if (cards.has(name)) continue;
    const card = await cardOf(task, desk);
    cards.set(name, card);
    byId("cards").append(card.element);
  }
  byId("no-tasks").hidden = cards.size > 0;
  byId("cards").hidden = cards.size === 0;
  await showPlaces(places);
}

/** @param {any[]} places */
async function showPlaces(places) {
  const kept = await Promise.all(places.map((place) => keptKey(recordId(place.keyset_id, place.role))));
  // Drawn again only when something changed: a button that has the focus keeps it.
  const now = JSON.stringify([places, kept.map(Boolean)]);
  if (now === shownPlaces) return;
  shownPlaces = now;
  byId("places").hidden = places.length === 0;
  const body = byId("places-body");
  const rows = [];
  for (const [at, place] of places.entries()) {
    const key = kept[at];
    const row = /** @type {HTMLElement} */ (byId("t-place").content.firstElementChild.cloneNode(true));
    const cell = (/** @type {string} */ name) => /** @type {HTMLElement} */ (row.querySelector(`[data-f="${name}"]`));
    cell("lot").textContent = place.lot_code;
    cell("version").textContent = String(place.version);
    if (key) showState(cell("key"), "ok", say("在这台电脑上", "On this computer"));
    else if (place.public_key) showState(cell("key"), "warn", say("不在这台电脑上", "Not on this computer"));
    else showState(cell("key"), "wait", say("还没有生成", "Not made yet"));
    const paper = /** @type {HTMLButtonElement} */ (row.querySelector("button"));
    paper.hidden = !key;
    if (key) paper.addEventListener("click", () => printPaper(key).catch(complain));
    rows.push(row);
  }
  body.replaceChildren(...rows);
}

/** @param {import("./records.js").KeyRecord} record */
async function printPaper(record) {
  const { writePaper } = await import("./paper.js");
  byId("paper-lot").textContent = `${record.lotCode} · ${record.publicKey.slice(0, 16)}…`;
  byId("paper-text").textContent = await writePaper(record.age, record.lotId);
  byId("paper").hidden = false;
  window.print();
}

async function start() {
  readWords(root);
  const step = new TrustStep(seat, policy, (pinned) => {
    trust = pinned;
    byId("after-trust").hidden = false;
    desk.look();
    setInterval(() => look().catch((error) => {
      byId("desk-status").textContent = spoken(error).title;
    }), LOOK_MS);
  });
  await step.start(complain);
  if (!(await askForPersistence())) {
    byId("desk-status").textContent = say(
      "浏览器可能清理本机数据：备份文件是唯一保证。",
      "The browser may clear its data: the backup files are the only guarantee.",
    );
  }
}

start().catch(complain);
