// @ts-check
/** What a replay shows of a room at one moment: seats, prices, draws, objections, log. Drawn from the two folds alone. */

import { drawSeat } from "./board.js";
import { put, status } from "./dom.js";
import { recheckHere } from "./drawcheck.js";
import { fillLine } from "./reading.js";
import { moneyText, say, sentenceOf, timeOf, two } from "./words.js";

/** @typedef {import("./store.js").Frame} Frame */
/** @typedef {import("./store.js").State} State */
/** @typedef {import("./ledger.js").Ledger} Ledger */
/** @typedef {import("./words.js").Words} Words */

const LOG_LINES = 80;

/** @param {string} name @returns {HTMLElement} */
const part = (name) => /** @type {HTMLElement} */ (document.querySelector(`[data-${name}]`));

/** @param {string} tag @param {string} [text] @param {string} [cls] */
function element(tag, text = "", cls = "") {
  const made = document.createElement(tag);
  if (cls) made.className = cls;
  made.textContent = text;
  return made;
}

/** A cell that names itself where the table folds. @param {string} label @param {string} [cls] */
function cell(label, cls = "") {
  const made = element("td", "", cls);
  made.dataset.l = label;
  return made;
}

export class Stage {
  /** @param {string} lot @param {string} ceiling @param {Words} words */
  constructor(lot, ceiling, words) {
    this.lot = lot;
    this.ceiling = ceiling;
    this.words = words;
    /** @type {Ledger | null} */
    this.shown = null;
    this.count = 0;
  }

  /**
   * Show this moment. Parts whose facts are the same as before stay as they are, so that focus and reading stay too.
   * @param {State} state
   * @param {Ledger} ledger
   * @param {Frame[]} told every frame so far, in order
   */
  show(state, ledger, told) {
    // Backwards every row is made anew: what was shown of a later moment must not stay.
    const before = told.length < this.count ? null : this.shown;
    this.count = told.length;
    if (before?.listed !== ledger.listed) this.#rows(ledger);
    if (before?.lines !== ledger.lines || before?.faults !== ledger.faults || before?.listed !== ledger.listed) this.#prices(ledger);
    if (before?.draws !== ledger.draws) this.#draws(ledger);
    if (before?.objections !== ledger.objections) this.#objections(ledger);
    for (const [number, seat] of Object.entries(state.seats)) drawSeat(Number(number), seat, state.phase, this.words);
    this.#fresh(told.at(-1));
    this.#log(told);
    this.shown = ledger;
  }

  /** @param {Ledger} ledger */
  #rows({ listed }) {
    part("no-board").hidden = listed.length > 0;
    part("board").replaceChildren(
      ...listed.map((one) => {
        const row = element("tr");
        row.dataset.seat = String(one.seat);
        const who = element("th", "", "who wide");
        /** @type {HTMLTableCellElement} */ (who).scope = "row";
        who.append(element("b", one.name));
        const cells = [cell(say("投标人密钥", "Bidder key")), cell(say("状态", "State")), cell(say("时间", "Time"), "nw mut")];
        ["key", "state", "time"].forEach((name, index) => (cells[index].dataset.cell = name));
        cells[2].textContent = "—";
        row.append(element("td", two(one.seat), "seat"), who, ...cells);
        return row;
      }),
    );
  }

  /** @param {Ledger} ledger */
  #prices({ listed, lines, faults }) {
    part("no-prices").hidden = listed.length > 0;
    part("prices").replaceChildren(
      ...listed.map((one) => {
        const row = element("tr");
        row.dataset.lineOf = String(one.seat);
        const who = element("th", one.name, "wide");
        /** @type {HTMLTableCellElement} */ (who).scope = "row";
        const price = cell(say("投标总价（元）", "Total price (CNY)"), "num");
        const days = cell(say("工期（日历天）", "Period (days)"), "num");
        const [quality, manager] = [cell(say("质量", "Quality")), cell(say("项目负责人", "Project manager"))];
        for (const empty of [price, days, quality, manager]) empty.textContent = "—";
        const line = lines[one.seat];
        const fault = faults[one.seat];
        if (line) fillLine({ price, days, quality, manager }, line, this.words);
        else if (fault) quality.replaceChildren(status("bad", this.words.terms[`bid_fault.${fault}`] ?? fault));
        row.append(element("td", two(one.seat), "b"), who, price, days, quality, manager);
        return row;
      }),
    );
  }

  /** @param {Ledger} ledger */
  #draws({ draws }) {
    part("draws-sec").hidden = draws.length === 0;
    const drawn = draws.map((one) => `${one.name} = ${one.value}`).join(say("、", ", "));
    put(part("drawn"), drawn);
    part("draws").replaceChildren(
      ...draws.map((one) => {
        const box = element("div", "", "stack");
        box.dataset.draw = JSON.stringify(one);
        const facts = element("p", say(`${timeOf(one.at)} 抽中 ${one.name} = ${one.value}，备选值：${one.pool.join("、")}`, `${timeOf(one.at)} ${one.name} = ${one.value} drawn from ${one.pool.join(", ")}`));
        const row = element("div", "", "row");
        const button = element("button", say("在本机重算", "Draw again here"), "btn btn-s");
        button.setAttribute("type", "button");
        button.addEventListener("click", () => recheckHere(button, this.lot));
        const result = element("span");
        result.setAttribute("role", "status");
        result.dataset.replayed = "";
        const steps = element("div", "", "stack");
        steps.dataset.drawSteps = "";
        row.append(button, result);
        box.append(facts, row, steps);
        return box;
      }),
    );
  }

  /** @param {Ledger} ledger */
  #objections({ objections }) {
    part("objections-sec").hidden = objections.length === 0;
    part("objections").replaceChildren(
      ...objections.map((one) => {
        const item = element("li", "", "stack");
        const asked = element("p");
        asked.append(element("b", say(`${two(one.seat)} 号 `, `${two(one.seat)} `)), element("time", timeOf(one.at), "mut sm"), element("br"), one.text);
        const answer = element("p", "", "sm");
        if (one.isWithdrawn) answer.append(status("wait", say(`已撤回 ${timeOf(one.settledAt ?? one.at)}`, `Taken back ${timeOf(one.settledAt ?? one.at)}`)));
        else if (one.settledAt) {
          const who = one.side === "tenderee" ? say("招标人答复", "Answered by the tenderee") : say("招标代理代招标人答复", "Answered by the agency for the tenderee");
          answer.append(status("ok", `${who} ${timeOf(one.settledAt)}`), element("br"), one.answer ?? "");
        } else answer.append(status("run", say("等待招标人一方答复", "Waiting for the tenderee's side")));
        item.append(asked, answer);
        return item;
      }),
    );
  }

  /** The row that the newest frame is about. @param {Frame | undefined} frame */
  #fresh(frame) {
    for (const old of document.querySelectorAll("[data-stage] .fresh")) old.classList.remove("fresh");
    const seat = frame?.data?.seat;
    if (!Number.isInteger(seat)) return;
    const name = frame?.type === "line_read" ? "data-line-of" : "data-seat";
    document.querySelector(`[data-stage] [${name}="${seat}"]`)?.classList.add("fresh");
  }

  /** Newest first. @param {Frame[]} told */
  #log(told) {
    const lines = told.filter((frame) => sentenceOf(this.words, frame)).slice(-LOG_LINES).reverse();
    part("log").replaceChildren(
      ...lines.map((frame) => {
        const item = element("li");
        const time = element("time", timeOf(frame.at));
        time.setAttribute("datetime", frame.at);
        const sentence = element("span", `${sentenceOf(this.words, frame)} `);
        sentence.append(element("small", `#${frame.audience === "public" ? "" : "s"}${frame.seq}`));
        item.append(time, sentence);
        return item;
      }),
    );
  }
}

/** What is left of the running window at this instant, or "". @param {State} state @param {number} now */
export function leftOf(state, now) {
  if (!state.until) return "";
  const seconds = Math.max(0, Math.round((Date.parse(state.until) - now) / 1000));
  const text = `${Math.floor(seconds / 60)}:${two(seconds % 60)}`;
  return say(`本环节还剩 ${text}`, `${text} left in this phase`);
}

/** @param {string} text */
export const grouped = (text) => (text ? moneyText(text) : "");
