// @ts-check
/** Room talk on the page: words from frames as text, hidden ones taken away, sending without leaving the page. */

import { show, status } from "./dom.js";
import { isTalk } from "./store.js";
import { say, timeOf, two } from "./words.js";

/** @typedef {import("./store.js").Frame} Frame */
/** @typedef {import("./words.js").Words} Words */

const LINES_LIMIT = 100;

export class Talk {
  /** @param {Words} words */
  constructor(words) {
    this.words = words;
    /** What came by frames since the page was drawn: a part drawn anew may be older. @type {Map<number, Frame>} */
    this.said = new Map();
    /** @type {Map<number, string>} number → reason */
    this.hidden = new Map();
    document.addEventListener("submit", (event) => {
      if (event.target instanceof HTMLFormElement && event.target.matches("[data-say]")) this.#send(event, event.target);
    });
  }

  /** True for a frame of talk, which nobody else need look at. @param {Frame} frame */
  take(frame) {
    if (!isTalk(frame)) return false;
    const number = Number(frame.data.number);
    if (frame.type === "message_said" && !this.hidden.has(number)) this.said.set(number, frame);
    if (frame.type === "message_hidden") {
      this.hidden.set(number, String(frame.data.reason));
      this.said.delete(number); // the words are kept nowhere on this page
    }
    this.draw();
    return true;
  }

  /** Bring the list up to what is known, whichever of server and frames was first. */
  draw() {
    const list = document.querySelector("[data-talk]");
    if (!list) return;
    for (const [number, frame] of [...this.said].sort(([a], [b]) => a - b)) {
      if (!list.querySelector(`[data-said="${number}"]`)) list.prepend(this.#line(number, frame));
    }
    for (const [number, reason] of this.hidden) this.#mark(list, number, reason);
    while (list.children.length > LINES_LIMIT) list.lastElementChild?.remove();
    document.querySelector("[data-talk-empty]")?.toggleAttribute("hidden", list.children.length > 0);
  }

  /** @param {number} number @param {Frame} frame */
  #line(number, { data, at }) {
    const item = document.createElement("li");
    item.dataset.said = String(number);
    const head = document.createElement("p");
    head.className = "talk-who sm";
    const who = document.createElement("span");
    if (data.seat) {
      const seat = document.createElement("b");
      seat.textContent = two(data.seat);
      who.append(seat, " ");
    }
    const role = document.createElement("span");
    role.className = "mut";
    role.textContent = this.words.terms[`talk_role.${data.role}`] ?? data.role;
    who.append(String(data.name), " ", role);
    const time = document.createElement("time");
    time.className = "mut";
    time.dateTime = at;
    time.textContent = timeOf(at);
    const label = document.createElement("small");
    label.className = "mut";
    label.textContent = `#${number}`;
    head.append(who, time, label);
    const text = document.createElement("p");
    text.className = "talk-text";
    text.textContent = String(data.text);
    item.append(head, text);
    return item;
  }

  /** @param {Element} list @param {number} number @param {string} reason */
  #mark(list, number, reason) {
    const item = list.querySelector(`[data-said="${number}"]`);
    if (!item || item.querySelector(".talk-hidden")) return;
    item.querySelector(".talk-text")?.remove();
    const place = document.createElement("p");
    place.className = "talk-hidden";
    const why = this.words.terms[`talk_hidden.${reason}`] ?? reason;
    place.append(status("wait", say(`已隐藏：${why}`, `Hidden: ${why}`), "lock"));
    item.append(place);
  }

  /** @param {SubmitEvent} event @param {HTMLFormElement} form */
  async #send(event, form) {
    event.preventDefault();
    const area = form.querySelector("textarea");
    const button = form.querySelector("button");
    const place = form.querySelector("[data-say-result]");
    if (!area || !button || button.disabled) return;
    button.disabled = true;
    try {
      const token = document.querySelector('meta[name="csrf-token"]')?.getAttribute("content") ?? "";
      const answer = await fetch(form.action, {
        method: "POST",
        headers: { Accept: "application/json", "Content-Type": "application/json", "X-CSRFToken": token },
        body: JSON.stringify({ message: area.value }),
      });
      if (answer.ok) {
        area.value = "";
        show(place, status("ok", say("已发送", "Sent")));
      } else {
        show(place, status("bad", await reasonOf(answer)));
      }
    } catch {
      show(place, status("off", say("没有发出：连接断开。内容还在，请再试。", "Not sent: the line is down. Your words are still here; try again.")));
    } finally {
      button.disabled = false;
    }
  }
}

/** What the platform said, in its own words. @param {Response} answer */
async function reasonOf(answer) {
  try {
    const { title, objections = [], detail } = await answer.json();
    const reasons = objections.map((/** @type {{ detail: string }} */ one) => one.detail);
    return reasons.length ? reasons.join(say("；", "; ")) : [title, detail].filter(Boolean).join(" ");
  } catch {
    return say(`平台没有正常答复（${answer.status}）`, `The platform did not answer properly (${answer.status})`);
  }
}
