// @ts-check
/**
 * The replay of an opening: play, stop, speed, step, phases. The tape is moved here; what is shown at a place follows
 * from the frames before it by the live pages' own reducer, so that a replay can not tell another story.
 */

import { EMPTY, keep } from "./ledger.js";
import { leftOf, Stage } from "./stage.js";
import { initialState, reduce } from "./store.js";
import { inOrder, instantAt, phasesOf, placesOf, SPEEDS, toldAt } from "./timeline.js";
import { put } from "./dom.js";
import { say, sentenceOf, timeOf } from "./words.js";

/** @typedef {import("./store.js").Frame} Frame */

const root = /** @type {HTMLElement} */ (document.getElementById("replay"));
const { lot = "", file = "", ceiling = "" } = root.dataset;
/** @type {import("./words.js").Words} */
const words = JSON.parse(root.dataset.words ?? "{}");

/** @template {HTMLElement} T @param {string} name @returns {T} */
const part = (name) => /** @type {T} */ (root.querySelector(`[data-${name}]`));

export class Player {
  /** @param {Frame[]} frames @param {Record<string, number>} heads */
  constructor(frames, heads) {
    this.frames = inOrder(frames);
    this.start = initialState(Object.fromEntries(Object.keys(heads).map((audience) => [audience, 0])));
    this.stage = new Stage(lot, ceiling, words);
    this.isSqueezed = true;
    this.speed = 10;
    this.places = placesOf(this.frames, this.isSqueezed);
    this.place = 0;
    this.isPlaying = false;
    this.tickedAt = 0;
    this.told = 0;
    [this.state, this.ledger] = [this.start, EMPTY];
    this.drawn = -1;
  }

  /** Stand after `count` frames. @param {number} count */
  goTo(count) {
    const wanted = Math.max(0, Math.min(this.frames.length, count));
    this.place = wanted === 0 ? -1 : this.places[wanted - 1];
    this.#fold(wanted);
    this.#draw();
  }

  /** @param {boolean} isSqueezed */
  squeeze(isSqueezed) {
    this.isSqueezed = isSqueezed;
    this.places = placesOf(this.frames, isSqueezed);
    this.goTo(this.told);
  }

  toggle() {
    if (this.isPlaying) {
      this.stop();
      return;
    }
    if (this.told >= this.frames.length) this.goTo(0);
    this.place = Math.max(0, this.place);
    this.isPlaying = true;
    this.tickedAt = performance.now();
    requestAnimationFrame(() => this.#tick());
    this.#draw();
  }

  stop() {
    this.isPlaying = false;
    this.#draw();
    put(part("said"), this.#position());
  }

  #tick() {
    if (!this.isPlaying) return;
    const now = performance.now();
    this.place += (now - this.tickedAt) * this.speed;
    this.tickedAt = now;
    // Frames of one instant fill the page one by one: the table grows line by line, as it was read.
    this.#fold(Math.min(toldAt(this.places, this.place), this.told + 1));
    this.#draw();
    if (this.told >= this.frames.length) this.stop();
    else requestAnimationFrame(() => this.#tick());
  }

  /** The state after `count` frames: forward from where it stands, or anew from the beginning. @param {number} count */
  #fold(count) {
    if (count < this.told) [this.state, this.ledger, this.told] = [this.start, EMPTY, 0];
    for (; this.told < count; this.told += 1) {
      this.state = reduce(this.state, this.frames[this.told]);
      this.ledger = keep(this.ledger, this.frames[this.told]);
    }
  }

  #draw() {
    const now = this.told === 0 ? Date.parse(this.frames[0].at) : instantAt(this.frames, this.places, this.place);
    put(part("now"), timeOf(new Date(now).toISOString()));
    put(part("left"), leftOf(this.state, now));
    const button = part("player").querySelector('[data-go="play"]');
    put(button, this.isPlaying ? say("暂停", "Pause") : say("播放", "Play"));
    if (this.drawn === this.told) return;
    this.drawn = this.told;
    const tape = /** @type {HTMLInputElement} */ (part("tape"));
    tape.value = String(this.told);
    tape.setAttribute("aria-valuetext", this.#position());
    put(part("count"), say(`第 ${this.told} 条，共 ${this.frames.length} 条`, `Entry ${this.told} of ${this.frames.length}`));
    this.stage.show(this.state, this.ledger, this.frames.slice(0, this.told));
    let isFound = false;
    for (const step of [...part("phases").querySelectorAll("button")].reverse()) {
      /** @type {boolean} */
      const isNow = !isFound && Number(step.dataset.entry) <= this.told;
      isFound ||= isNow;
      if (isNow) step.setAttribute("aria-current", "step");
      else step.removeAttribute("aria-current");
    }
  }

  /** Where the tape stands, in words. */
  #position() {
    const frame = this.frames[this.told - 1];
    const where = say(`第 ${this.told} 条，共 ${this.frames.length} 条`, `Entry ${this.told} of ${this.frames.length}`);
    return frame ? `${where}${say("，", ", ")}${timeOf(frame.at)} ${sentenceOf(words, frame)}` : where;
  }
}

/** @param {Player} player */
function enliven(player) {
  const box = part("player");
  const tape = /** @type {HTMLInputElement} */ (part("tape"));
  const speed = /** @type {HTMLSelectElement} */ (part("speed"));
  const skip = /** @type {HTMLInputElement} */ (part("skip"));
  tape.max = String(player.frames.length);
  tape.addEventListener("input", () => player.goTo(Number(tape.value)));
  speed.addEventListener("change", () => (player.speed = Number(speed.value)));
  player.speed = Number(speed.value);
  skip.addEventListener("change", () => player.squeeze(skip.checked));
  const acts = /** @type {Record<string, () => void>} */ ({
    first: () => player.goTo(0),
    back: () => player.goTo(player.told - 1),
    play: () => player.toggle(),
    next: () => player.goTo(player.told + 1),
    last: () => player.goTo(player.frames.length),
  });
  box.addEventListener("click", (event) => {
    if (!(event.target instanceof Element)) return;
    const button = event.target.closest("button");
    if (button?.dataset.go) acts[button.dataset.go]();
    if (button?.dataset.entry) player.goTo(Number(button.dataset.entry));
  });
  const keys = /** @type {Record<string, () => void>} */ ({
    " ": acts.play,
    ArrowLeft: acts.back,
    ArrowRight: acts.next,
    Home: acts.first,
    End: acts.last,
    "+": () => setSpeed(1),
    "=": () => setSpeed(1),
    "-": () => setSpeed(-1),
  });
  /** @param {number} step */
  function setSpeed(step) {
    const at = SPEEDS.indexOf(player.speed) + step;
    player.speed = SPEEDS[Math.max(0, Math.min(SPEEDS.length - 1, at))];
    speed.value = String(player.speed);
    put(part("said"), say(`速度 ${player.speed} 倍`, `Speed ${player.speed} times`));
  }
  box.addEventListener("keydown", (event) => {
    // A button is pressed by space, a slider and a list are moved by arrows: theirs are left to them.
    const isOwn = event.target instanceof Element && event.target.matches("input, select, button");
    if (event.altKey || event.ctrlKey || event.metaKey || !(event.key in keys)) return;
    if (isOwn && (event.key === " " || event.target instanceof HTMLSelectElement || event.target === tape)) return;
    event.preventDefault();
    keys[event.key]();
  });
  box.tabIndex = 0;
}

/** @param {Player} player */
function listPhases(player) {
  part("phases").replaceChildren(
    ...phasesOf(player.frames).map(([phase, count]) => {
      const item = document.createElement("li");
      const button = document.createElement("button");
      button.type = "button";
      button.className = "btn btn-s";
      button.dataset.entry = String(count);
      button.textContent = words.terms[`room_phase.${phase.toLowerCase()}`] ?? phase;
      item.append(button);
      return item;
    }),
  );
}

async function begin() {
  const answer = await fetch(file, { headers: { Accept: "application/json" }, cache: "no-store" });
  if (!answer.ok) throw new Error(String(answer.status));
  const story = await answer.json();
  const player = new Player(story.frames, story.heads);
  listPhases(player);
  part("player").hidden = false;
  part("stage").hidden = false;
  part("loading").hidden = true;
  enliven(player);
  // Somebody who comes to look something up sees the end at once; the start is one press away.
  player.goTo(player.frames.length);
}

if (file && part("player")) {
  begin().catch(() => put(part("loading"), say("记录没有取回，请重新打开本页。", "The entries could not be fetched; please open the page again.")));
}
