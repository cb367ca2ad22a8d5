// @ts-check
/** Reading prices aloud (唱标) with the device's own voice, where it has one; the text is always there. */

import { isEnglish, moneyText, say, two } from "./words.js";

/** A voice for the page's language, or undefined. Some browsers only list them after a moment. */
function voice() {
  const wanted = isEnglish ? "en" : "zh";
  return speechSynthesis.getVoices().find((one) => one.lang.toLowerCase().startsWith(wanted));
}

/** @param {Record<string, any>} line of a line_read frame */
export function spoken(line) {
  return say(
    `${two(line.seat)}号，${line.name}，投标总价 ${moneyText(line.total)} 元，工期 ${line.duration_days} 日历天，质量 ${line.quality}。`,
    `Seat ${line.seat}, ${line.name}, total price ${moneyText(line.total)} yuan, period ${line.duration_days} days, quality ${line.quality}.`,
  );
}

/** Show the button once there is a voice; a second press stops. @param {HTMLButtonElement} button @param {() => string[]} lines */
export function offerSpeech(button, lines) {
  if (!("speechSynthesis" in window)) return;
  const offer = () => {
    button.hidden = voice() === undefined;
  };
  offer();
  speechSynthesis.addEventListener("voiceschanged", offer);
  button.addEventListener("click", () => {
    if (speechSynthesis.speaking) {
      speechSynthesis.cancel();
      return;
    }
    for (const text of lines()) {
      const said = new SpeechSynthesisUtterance(text);
      said.voice = voice() ?? null;
      said.lang = isEnglish ? "en-GB" : "zh-CN";
      said.rate = 0.9;
      speechSynthesis.speak(said);
    }
  });
}
