// @ts-check
/**
 * Reading prices aloud (唱标) with the device's own voice, where it has one. The text is always there; a voice that
 * breaks off, or none at all, changes nothing on the page.
 */

import { isEnglish, moneyText, say, two } from "./words.js";

/** @typedef {import("./words.js").Words} Words */

/** Mainland Mandarin first, a voice on the device before one in a cloud. @param {SpeechSynthesisVoice} one */
function worth(one) {
  const lang = one.lang.toLowerCase().replace("_", "-");
  const isFirst = isEnglish ? lang.startsWith("en") : /^(zh-cn|zh-hans|cmn)/.test(lang);
  const isNext = !isEnglish && lang.startsWith("zh") && !/^zh-(hk|yue)/.test(lang);
  return (isFirst ? 4 : isNext ? 2 : 0) + (one.localService ? 1 : 0);
}

/**
 * The voice to read with, or undefined where the device has none for this language.
 * @param {SpeechSynthesisVoice[]} voices
 */
export function chosenVoice(voices) {
  const fit = voices.filter((one) => worth(one) >= 2);
  return fit.sort((a, b) => worth(b) - worth(a))[0];
}

/**
 * One line as a sentence; digits of money are said by the voice, the amount in words where the bid has it.
 * @param {Record<string, any>} line of a line_read frame
 * @param {Words} [words]
 */
export function spoken(line, words) {
  const marks = (line.marks ?? []).map((/** @type {string} */ code) => words?.terms[`price_remark.${code}`] ?? code);
  const noted = marks.length ? say(`请注意：${marks.join("，")}。`, ` Note: ${marks.join(", ")}.`) : "";
  const inWords = line.total_words ? say(`，大写 ${line.total_words}`, `, in words ${line.total_words}`) : "";
  const manager = line.project_manager ? say(`，项目负责人 ${line.project_manager}`, `, project manager ${line.project_manager}`) : "";
  return (
    say(
      `${two(line.seat)}号，${line.name}，投标总价 ${moneyText(line.total)} 元${inWords}，工期 ${line.duration_days} 日历天，质量 ${line.quality || "未填"}${manager}。`,
      `Seat ${line.seat}, ${line.name}, total price ${moneyText(line.total)} yuan${inWords}, period ${line.duration_days} days, quality ${line.quality || "not named"}${manager}.`,
    ) + noted
  );
}

/** Reads sentences one after the other, and says which it is at. */
export class Reader {
  /** @param {(row: HTMLElement | null) => void} onRow the row that is being read; null when it is quiet */
  constructor(onRow) {
    this.onRow = onRow;
    this.isOn = false;
    this.run = 0;
  }

  get voice() {
    return "speechSynthesis" in window ? chosenVoice(speechSynthesis.getVoices()) : undefined;
  }

  /** @param {{ text: string, row: HTMLElement | null }[]} lines @param {() => void} onEnd */
  read(lines, onEnd) {
    this.stop();
    const run = ++this.run;
    this.isOn = true;
    lines.forEach(({ text, row }, index) => {
      const said = this.#utterance(text);
      const isLast = index === lines.length - 1;
      said.addEventListener("start", () => run === this.run && this.onRow(row));
      const ended = () => {
        if (run !== this.run || !isLast) return;
        this.isOn = false;
        this.onRow(null);
        onEnd();
      };
      said.addEventListener("end", ended);
      said.addEventListener("error", ended);
      speechSynthesis.speak(said);
    });
    if (lines.length === 0) {
      this.isOn = false;
      onEnd();
    }
  }

  /** One more, behind what is being said. @param {string} text */
  add(text) {
    speechSynthesis.speak(this.#utterance(text));
  }

  stop() {
    this.run += 1;
    this.isOn = false;
    if ("speechSynthesis" in window) speechSynthesis.cancel();
    this.onRow(null);
  }

  /** @param {string} text */
  #utterance(text) {
    const said = new SpeechSynthesisUtterance(text);
    said.voice = this.voice ?? null;
    said.lang = said.voice?.lang ?? (isEnglish ? "en-GB" : "zh-CN");
    said.rate = 0.9;
    return said;
  }
}

/** @type {Reader | undefined} */
let reader;
let isFollowing = false;

/** @param {HTMLElement | null} row */
function highlight(row) {
  for (const old of document.querySelectorAll("[data-line-of].being-read")) old.classList.remove("being-read");
  // The table may have been drawn anew since: the row is found by its seat.
  if (row) document.querySelector(`[data-line-of="${row.dataset.lineOf}"]`)?.classList.add("being-read");
}

/**
 * Bring the two buttons of the reading to life: read everything from the start, or each line as it comes. They appear
 * only where the device has a voice for this language.
 * @param {Words} words
 */
export function offerSpeech(words) {
  if (!("speechSynthesis" in window)) return;
  reader ??= new Reader(highlight);
  const here = reader;
  for (const button of document.querySelectorAll("[data-speak]:not([data-live])")) {
    button.setAttribute("data-live", "");
    button.addEventListener("click", () => toggleReading(here, words));
  }
  for (const button of document.querySelectorAll("[data-speak-live]:not([data-live])")) {
    button.setAttribute("data-live", "");
    button.addEventListener("click", () => {
      isFollowing = !isFollowing;
      if (!isFollowing) here.stop();
      draw(here);
    });
  }
  speechSynthesis.onvoiceschanged = () => draw(here); // some browsers list their voices only after a moment
  draw(here);
}

/** A line that was read just now, where somebody wants to hear them as they come. @param {Record<string, any>} line @param {Words} words */
export function follow(line, words) {
  if (isFollowing) reader?.add(spoken(line, words));
}

/** @param {Reader} here @param {Words} words */
function toggleReading(here, words) {
  if (here.isOn) {
    here.stop();
  } else {
    const rows = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("[data-read]")]);
    here.read(
      rows.map((row) => ({ row, text: spoken(JSON.parse(row.dataset.read ?? "{}"), words) })),
      () => draw(here),
    );
  }
  draw(here);
}

/** @param {Reader} here */
function draw(here) {
  for (const button of document.querySelectorAll("[data-speak]")) {
    const text = here.isOn ? say("停止朗读", "Stop reading") : say("朗读", "Read aloud");
    if (button.textContent !== text) button.textContent = text;
    /** @type {HTMLElement} */ (button).hidden = here.voice === undefined;
  }
  for (const button of document.querySelectorAll("[data-speak-live]")) {
    button.setAttribute("aria-pressed", String(isFollowing));
    /** @type {HTMLElement} */ (button).hidden = here.voice === undefined;
  }
}
