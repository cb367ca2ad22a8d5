// @ts-check
/** 练习室: one step at a time. Every act works by keyboard; a step that was missed can be done again. */

import { drawSeat } from "../room/board.js";
import { status } from "../room/dom.js";
import { Feed } from "../room/feed.js";
import { replay } from "../room/replay.js";
import { initialState, Store } from "../room/store.js";
import { moneyText, say } from "../room/words.js";
import { openPractice, releasePractice, sealPractice, signPractice, transcriptWith } from "./bid.js";
import { chapters, clockText, delayMs, priceOf, SPEED } from "./script.js";

const root = /** @type {HTMLElement} */ (document.getElementById("practice"));
/** @type {import("./script.js").Story} */
const story = JSON.parse(root.dataset.story ?? "{}");
const CHECK_IN_MS = 60_000;
const LINE_MS = 700;
const HURRY_MS = 400;
const HOST_MS = 1500;

const wait = (/** @type {number} */ ms) => new Promise((done) => setTimeout(done, ms));
const one = (/** @type {string} */ name) => /** @type {HTMLElement} */ (root.querySelector(`[data-${name}]`));

class Practice {
  constructor() {
    this.book = chapters(story.frames, story.seat);
    this.store = new Store(initialState({ public: 0 }));
    this.feed = new Feed(one("feed"), story.words);
    this.number = 0;
    /** @type {any[]} */ this.frozen = [];
    this.recordedBid = "";
    /** @type {import("./bid.js").PracticeBid | null} */ this.bid = null;
    /** @type {Uint8Array<ArrayBuffer> | null} */ this.secret = null;
    this.total = "";
    this.timer = 0;
    /** Frames of the other seats that are still to come in the window. @type {Map<import("./script.js").Frame, number>} */
    this.coming = new Map();
    this.store.subscribe((state, frame) => {
      for (const [number, seat] of Object.entries(state.seats)) drawSeat(Number(number), seat, state.phase, story.words);
      this.feed.add(frame);
    });
  }

  /** Show a step, and bring the focus to its heading. @param {string} name */
  show(name) {
    const steps = [...root.querySelectorAll("[data-step]")];
    const at = steps.findIndex((step) => /** @type {HTMLElement} */ (step).dataset.step === name);
    steps.forEach((step, index) => {
      /** @type {HTMLElement} */ (step).hidden = index !== at;
    });
    root.querySelectorAll("[data-ruler] li").forEach((item, index) => {
      item.className = index < at ? "done" : index === at ? "now" : "";
      if (index === at) item.setAttribute("aria-current", "step");
      else item.removeAttribute("aria-current");
    });
    const heading = /** @type {HTMLElement} */ (steps[at].querySelector("h2"));
    heading.tabIndex = -1;
    heading.focus();
  }

  /** @param {string} name @param {string} kind @param {string} text */
  tell(name, kind, text) {
    one(name).replaceChildren(status(kind, text));
  }

  /** Count down in practice time; the text is what a real clock would show. @param {string} label @param {number} ms @param {() => void} over @param {number} [speed] */
  count(label, ms, over, speed = SPEED) {
    this.stop();
    const ends = performance.now() + ms;
    one("countdown").hidden = false;
    one("countdown-label").textContent = label;
    const tick = () => {
      const left = ends - performance.now();
      one("countdown-time").textContent = clockText(left * speed);
      if (left > 0) return;
      this.stop();
      over();
    };
    this.timer = window.setInterval(tick, 200);
    tick();
  }

  stop() {
    window.clearInterval(this.timer);
    one("countdown").hidden = true;
  }

  /** Let a frame come, with the next number. @param {import("./script.js").Frame} frame */
  come(frame) {
    this.number += 1;
    this.store.accept({ ...frame, seq: this.number });
  }

  /** A frame of the visitor's own seat. @param {string} type @param {Record<string, unknown>} data */
  own(type, data = {}) {
    const { phase, until } = this.store.state;
    const at = this.store.state.log.at(-1)?.at ?? new Date().toISOString();
    this.come(/** @type {any} */ ({ audience: "public", type, at, data: { seat: story.seat, ...data }, state: phase, phase_until: until }));
  }

  /** @param {readonly import("./script.js").Frame[]} frames @param {number} pause */
  async comeSlowly(frames, pause) {
    for (const frame of frames) {
      this.come(frame);
      await wait(pause);
    }
  }

  // --- 1 seal, 2 sign in ----------------------------------------------------------------------------------------------

  async seal() {
    const field = /** @type {HTMLInputElement} */ (root.querySelector("#practice-price"));
    const total = priceOf(field.value);
    field.toggleAttribute("aria-invalid", total === "");
    if (total === "") {
      this.tell("seal-result", "bad", say("请填大于零的金额，最多两位小数", "Enter an amount above zero, two decimals at most"));
      field.focus();
      return;
    }
    this.tell("seal-result", "run", say("正在本机加密…", "Sealing on this device…"));
    this.bid = await sealPractice(story, total);
    this.total = total;
    this.tell("sealed", "ok", say(`已封存：密文 ${this.bid.ciphertext.length} 字节，在开标前谁也打不开`, `Sealed: ${this.bid.ciphertext.length} bytes of ciphertext that nobody can open before the opening`));
    this.show("check-in");
    this.count(say("距开标还有（练习时间）", "Until the opening (practice time)"), CHECK_IN_MS, () => this.openRoom());
  }

  checkIn() {
    this.tell("check-in-result", "ok", say("已签到。名单公布前，别人看不到您来了。", "Signed in. Before the list is published nobody else sees that you came."));
    one("open-now").hidden = false;
    one("open-now").focus();
    one("do-check-in").hidden = true;
  }

  openRoom() {
    this.stop();
    if (this.frozen.length > 0) return;
    for (const frame of this.book.list) {
      if (frame.type === "bids_frozen") {
        const listed = this.book.list.find(({ type }) => type === "list_published")?.data.bidders ?? [];
        this.recordedBid = listed.find((/** @type {any} */ row) => row.seat === story.seat).bid;
        this.frozen = frame.data.bids.map((/** @type {any} */ row) => (row.bid === this.recordedBid ? { ...row, bid: this.bid?.binding.bid, envelope_hash: this.bid?.sealed.envelopeHash } : row));
        this.come({ ...frame, data: { ...frame.data, bids: this.frozen } });
      } else this.come(frame);
    }
    one("board").hidden = false;
    one("log").hidden = false;
    this.show("check-seal");
  }

  // --- 3 the seal, 4 the release --------------------------------------------------------------------------------------

  async checkSeal() {
    const line = this.frozen.find((row) => row.bid === this.bid?.binding.bid);
    const isEqual = line?.envelope_hash === this.bid?.sealed.envelopeHash;
    this.tell("check-seal-result", isEqual ? "ok" : "bad", isEqual ? say("一致：清单里就是您封存的那一份", "Equal: the list has the very bid you sealed") : say("不一致，请刷新重来", "Different: reload and begin again"));
    one("do-check-seal").setAttribute("aria-disabled", "true");
    await wait(HOST_MS);
    this.openWindow();
  }

  openWindow() {
    const [first, ...others] = this.book.window;
    if (this.store.state.phase !== "DECRYPTING") {
      this.come(first);
      for (const frame of others) this.coming.set(frame, window.setTimeout(() => this.arrive(frame), delayMs(first, frame)));
    }
    one("release-missed").hidden = true;
    one("do-release").hidden = false;
    this.show("release");
    this.count(say("解密窗口还剩（练习时间）", "Decryption window (practice time)"), (story.decrypt_minutes * 60_000) / SPEED, () => this.missed());
  }

  /** @param {import("./script.js").Frame} frame */
  arrive(frame) {
    this.coming.delete(frame);
    this.come(frame);
  }

  /** The visitor has done its part: the others do not keep it waiting for the rest of the window. */
  async hurry() {
    const left = [...this.coming.entries()];
    this.coming.clear();
    for (const [, timer] of left) window.clearTimeout(timer);
    await this.comeSlowly(left.map(([frame]) => frame), HURRY_MS);
  }

  missed() {
    one("do-release").hidden = true;
    one("release-missed").hidden = false;
    this.tell("release-result", "warn", say("时间到了，没有解密", "Time is up, nothing was released"));
    one("again").focus();
  }

  async release() {
    if (this.bid === null || this.secret !== null) return;
    this.tell("release-result", "run", say("正在本机解开…", "Unwrapping on this device…"));
    this.secret = await releasePractice(this.bid);
    this.stop();
    this.own("share_released");
    this.tell("release-result", "ok", say("已交出，与封存承诺相符。等其他席位交齐。", "Released; it matches your seal. Now the other seats."));
    one("do-release").setAttribute("aria-disabled", "true");
    await this.hurry();
    await wait(HOST_MS);
    await this.draw();
  }

  // --- 5 the draw, 6 reading ------------------------------------------------------------------------------------------

  async draw() {
    if (this.bid === null || this.secret === null) return;
    const opened = await openPractice(story, this.bid, this.secret);
    this.total = opened.total;
    for (const frame of this.book.gate) {
      if (frame.type === "coefficient_drawn") {
        const drawn = await transcriptWith(frame.data, this.frozen, this.recordedBid, this.bid.binding.bid, opened.rGate);
        this.drawn = { ...drawn, value: (await replay(drawn)).value };
        this.come({ ...frame, data: this.drawn });
      } else this.come(frame);
    }
    one("drawn-value").textContent = `${this.drawn.name} = ${this.drawn.value}`;
    this.show("draw");
  }

  async replayDraw() {
    const again = await replay(/** @type {any} */ (this.drawn));
    this.tell("replay-result", again.isEqual ? "ok" : "bad", again.isEqual ? say(`一致：用 ${again.contributions} 份投标里的随机数重算，还是 ${again.value}`, `Equal: from the random numbers in ${again.contributions} bids it is ${again.value} again`) : say("不一致", "Different"));
  }

  async read() {
    this.show("reading");
    const lines = this.book.reading.map((frame) => (frame.type === "line_read" && frame.data.seat === story.seat ? { ...frame, data: { ...frame.data, total: this.total, duration_days: 178, project_manager: "练习" } } : frame));
    const list = one("lines");
    for (const frame of lines) {
      this.come(frame);
      if (frame.type !== "line_read") continue;
      const item = document.createElement("li");
      if (frame.data.seat === story.seat) item.className = "me";
      const number = document.createElement("span");
      number.className = "no";
      number.textContent = String(frame.data.seat).padStart(2, "0");
      const price = document.createElement("b");
      price.textContent = `${moneyText(frame.data.total)} ${say("元", "CNY")}`;
      const name = document.createElement("span");
      const isOwn = frame.data.seat === story.seat;
      if (!isOwn) name.lang = "zh-Hans";
      name.textContent = isOwn ? say("您的练习报价", "Your practice price") : frame.data.name;
      item.append(number, name, price);
      list.append(item);
      await wait(LINE_MS);
    }
    one("to-query").hidden = false;
    one("to-query").focus();
  }

  // --- 7 objections, 8 confirmation -----------------------------------------------------------------------------------

  async query() {
    this.show("query");
    const others = this.book.query.filter(({ type }) => type !== "confirmation_opened");
    await this.comeSlowly(others, 250);
  }

  async noObjection() {
    this.own("no_objection");
    await this.answered(say("您表示没有异议", "You have no objection"));
  }

  async object() {
    const field = /** @type {HTMLTextAreaElement} */ (root.querySelector("#practice-objection"));
    const text = field.value.trim();
    if (text === "") {
      this.tell("query-result", "warn", say("请先写明异议", "Say first what you object to"));
      field.focus();
      return;
    }
    this.own("objection_raised", { objection: "own", text });
    this.tell("query-result", "run", say("异议已提出，主持人当场答复…", "Raised; the host answers on the spot…"));
    await wait(HOST_MS);
    this.own("objection_answered", { objection: "own", text: say("练习答复：已当场核对，记入开标记录。", "Practice answer: checked on the spot and put into the record.") });
    await this.answered(say("主持人已答复，异议和答复都记入开标记录", "The host has answered; both stand in the record"));
  }

  /** @param {string} text */
  async answered(text) {
    for (const button of root.querySelectorAll('[data-step="query"] button')) button.setAttribute("aria-disabled", "true");
    this.tell("query-result", "ok", text);
    await wait(HOST_MS);
    const [opens] = this.book.confirming;
    this.come(opens);
    this.show("confirm");
  }

  async confirm() {
    if (this.bid === null) return;
    one("do-confirm").setAttribute("aria-disabled", "true");
    const isGood = await signPractice(this.bid, this.total);
    this.own("result_confirmed", { is_signed: isGood });
    this.tell("confirm-result", isGood ? "ok" : "bad", isGood ? say("已签名确认，签名核验通过", "Signed; the signature verifies") : say("签名核验不通过", "The signature does not verify"));
    await this.comeSlowly(this.book.confirming.slice(1), 150);
    await this.comeSlowly(this.book.closed, 150);
    this.show("done");
  }
}

function start() {
  if (!globalThis.isSecureContext || !crypto.subtle) {
    one("unfit").hidden = false;
    return;
  }
  const practice = new Practice();
  const acts = /** @type {Record<string, () => unknown>} */ ({
    "do-seal": () => practice.seal(),
    "do-check-in": () => practice.checkIn(),
    "open-now": () => practice.openRoom(),
    "do-check-seal": () => practice.checkSeal(),
    "do-release": () => practice.release(),
    again: () => practice.openWindow(),
    "do-replay": () => practice.replayDraw(),
    "to-reading": () => practice.read(),
    "to-query": () => practice.query(),
    "do-no-objection": () => practice.noObjection(),
    "do-object": () => practice.object(),
    "do-confirm": () => practice.confirm(),
    restart: () => location.reload(),
  });
  for (const [name, act] of Object.entries(acts)) {
    const button = one(name);
    button.addEventListener("click", async () => {
      if (button.getAttribute("aria-disabled") === "true") return;
      try {
        await act();
      } catch (error) {
        console.error(error);
        one("failure").hidden = false;
      }
    });
  }
  one("steps").hidden = false;
  /** @type {HTMLElement} */ (root.querySelector('[data-step="seal"]')).hidden = false;
  root.dataset.ready = "1";
}

start();
