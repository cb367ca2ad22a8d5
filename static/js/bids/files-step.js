// @ts-check
/** Step 2: the files. The price schedule is typed and becomes a part of its own; nothing leaves the computer here. */

import { fromBase64, utf8 } from "../sealing/bytes.js";
import { askJson, byId, say } from "./page.js";

const PRICE = "price_schedule";
const MONEY = /^(0|[1-9][0-9]{0,14})(\.[0-9]{1,2})?$/;

/** @typedef {{ id: string, name: string, content: Blob }} ChosenPart */

/**
 * What was typed and chosen, or null after the faults were shown at their fields.
 * @param {{ id: string, name_zh: string, name_en: string }[]} rules of lot.json, in order
 * @returns {Promise<ChosenPart[] | null>}
 */
export async function readFiles(rules) {
  /** @type {Map<string, string>} */ const faults = new Map();
  const schedule = readSchedule(faults);
  /** @type {ChosenPart[]} */ const parts = [];
  for (const rule of rules) {
    if (rule.id === PRICE) {
      parts.push({ id: PRICE, name: rule.name_zh, content: new Blob([utf8(JSON.stringify(schedule))]) });
      continue;
    }
    const input = byId(`f-${rule.id}`);
    const [file] = input.files;
    const fault = await faultOf(input, file);
    if (fault) faults.set(rule.id, fault);
    else if (file) parts.push({ id: rule.id, name: file.name.slice(-200), content: file });
  }
  showFaults(faults);
  return faults.size === 0 ? parts : null;
}

/** @param {Map<string, string>} faults */
function readSchedule(faults) {
  const total = byId("f-total").value.normalize("NFKC").replaceAll(",", "").trim();
  const days = byId("f-duration").value.normalize("NFKC").trim();
  if (!MONEY.test(total)) faults.set("total", say("请填写金额，最多两位小数。", "Enter an amount with at most two decimals."));
  if (!/^[1-9][0-9]{0,4}$/.test(days) || Number(days) > 36500) {
    faults.set("duration", say("请填写 1 到 36500 的整数。", "Enter a whole number from 1 to 36500."));
  }
  const words = byId("f-words").value.trim();
  return {
    v: 1,
    currency: "CNY",
    total,
    duration_days: Number(days),
    quality: byId("f-quality").value.trim(),
    project_manager: byId("f-manager").value.trim(),
    ...(words && { total_words: words }),
  };
}

/**
 * @param {HTMLInputElement} input
 * @param {File | undefined} file
 */
async function faultOf(input, file) {
  if (!file) return input.dataset.required === undefined ? "" : say("请选择文件。", "Choose a file.");
  if (file.size === 0) return say("文件是空的。", "The file is empty.");
  if (file.size > Number(input.dataset.max)) return say("文件超过大小上限。", "The file is larger than the limit.");
  if (input.accept.startsWith("application/pdf")) {
    const start = new Uint8Array(await file.slice(0, 5).arrayBuffer());
    if (String.fromCharCode(...start) !== "%PDF-") return say("这不是 PDF 文件。", "This is not a PDF file.");
  }
  return "";
}

/** @param {Map<string, string>} faults */
function showFaults(faults) {
  for (const place of document.querySelectorAll("#files-form .err")) {
    const name = place.id.slice(2);
    const text = faults.get(name) ?? "";
    place.textContent = text;
    /** @type {HTMLElement} */ (place).hidden = text === "";
    const input = byId(`f-${name}`);
    input.toggleAttribute("aria-invalid", text !== "");
    if (text) input.setAttribute("aria-describedby", place.id);
    else input.removeAttribute("aria-describedby");
  }
  const [first] = faults.keys();
  if (first) byId(`f-${first}`).focus();
}

/**
 * Fill everything with invented files (demonstration only).
 * @param {string} url
 */
export async function fillSamples(url) {
  const { files, price } = await askJson(url, {});
  byId("f-total").value = price.total;
  byId("f-duration").value = price.duration_days;
  byId("f-quality").value = price.quality;
  byId("f-manager").value = price.project_manager;
  for (const { part, name, media_type, base64 } of files) {
    const list = new DataTransfer();
    list.items.add(new File([fromBase64(base64)], name, { type: media_type }));
    byId(`f-${part}`).files = list.files;
  }
}
