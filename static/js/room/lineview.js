// @ts-check
/** What the page says about its line: in the clock, and on the seat as a panel of its own. Calm first. */

import { onTick } from "../kit/clock.js";
import { put, show, status } from "./dom.js";
import { say } from "./words.js";

/** @typedef {import("./socket.js").Status} Status */

const RESUMED_MS = 20_000;
const PANEL_AFTER_MS = 1000;

/** @typedef {[string, string]} Words */
/** @type {Words} */
const SIGN_IN = ["未连接，请重新登录", "Not live; sign in again"];
/** Why the room does not let this page in, and what to do. @type {Record<number, Words>} */
const REFUSED = {
  1008: ["未连接，请刷新页面", "Not live; reload this page"],
  4403: ["未连接：本账号不在该席位", "Not live: this account does not hold the seat"],
  4404: ["未连接：没有这个开标室", "Not live: there is no such room"],
  4426: ["页面已有新版本，请刷新", "This page has a newer version; reload it"],
};

/** @param {number} ms */
const clock = (ms) => `${Math.floor(ms / 60_000)}:${String(Math.floor(ms / 1000) % 60).padStart(2, "0")}`;

export class LineView {
  /** @param {() => Record<string, number>} heads @param {() => void} retry */
  constructor(heads, retry) {
    this.heads = heads;
    /** @type {Status} */
    this.status = { state: "connecting" };
    this.headAtLoss = 0;
    onTick(() => this.draw());
    document.addEventListener("click", (event) => {
      if (event.target instanceof Element && event.target.closest("[data-retry]")) retry();
    });
  }

  /** @param {Status} next */
  take(next) {
    const before = this.status.state;
    if (next.state === "lost" && before !== "lost") {
      this.headAtLoss = this.heads().public ?? 0;
      put(document.getElementById("announce"), say("连接断开，正在重连。您的席位和权利不变。", "Connection lost, reconnecting. Your seat and rights are unchanged."));
    }
    if (next.state === "refused" && next.code === 4426) {
      put(document.getElementById("announce"), say(...REFUSED[4426]));
    }
    this.status = next;
    const isBack = next.state === "live" || next.state === "polling";
    if (isBack && before === "lost" && (next.awayMs ?? 0) > PANEL_AFTER_MS) window.setTimeout(() => this.#resumed(next.awayMs ?? 0), 400);
    this.draw();
  }

  draw() {
    const now = performance.now();
    const { state, since = now, tries = 1, nextAt = now, code } = this.status;
    const lost = clock(now - since);
    const mark = {
      connecting: () => status("wait", say("正在连接", "Connecting"), "link"),
      live: () => status("link", say("连接正常", "Connected"), "link"),
      polling: () => status("ok", say("连接正常（轮询）", "Connected (polling)"), "link"),
      lost: () => status("off", say(`已断开 ${lost}`, `Lost ${lost}`), "off"),
      refused: () => status("off", say(...(REFUSED[code ?? 0] ?? SIGN_IN)), "off"),
    }[state]();
    for (const place of document.querySelectorAll("[data-line]")) show(place, mark);
    const panel = document.querySelector("[data-lost]");
    if (!(panel instanceof HTMLElement)) return;
    panel.hidden = state !== "lost" || now - since < PANEL_AFTER_MS;
    document.documentElement.toggleAttribute("data-line-lost", !panel.hidden);
    if (panel.hidden) return;
    const next = Math.max(0, Math.ceil((nextAt - now) / 1000));
    put(panel.querySelector("[data-lost-from]"), say(`恢复后会从第 ${this.headAtLoss + 1} 条补齐记录。`, `We resume from entry ${this.headAtLoss + 1}.`));
    put(panel.querySelector("[data-lost-next]"), say(`第 ${tries} 次重试，${next} 秒后。`, `Try ${tries} in ${next} s.`));
  }

  /** @param {number} awayMs */
  #resumed(awayMs) {
    const place = document.querySelector("[data-resumed]");
    if (!(place instanceof HTMLElement)) return;
    const head = this.heads().public ?? 0;
    const seconds = Math.round(awayMs / 1000);
    const first = this.headAtLoss + 1;
    let caught = say("，没有遗漏", "; nothing was missed");
    if (head === first) caught = say(`，已补齐第 ${head} 条`, `; entry ${head} caught up`);
    if (head > first) caught = say(`，已补齐第 ${first}—${head} 条`, `; entries ${first}-${head} caught up`);
    const note = document.createElement("div");
    note.className = "note note-run";
    note.textContent = say(`已恢复连接。离线 ${seconds} 秒${caught}。`, `Back online. Away ${seconds} s${caught}.`);
    place.replaceChildren(note);
    place.hidden = false;
    window.setTimeout(() => {
      place.hidden = true;
    }, RESUMED_MS);
  }
}
