// @ts-check
/** Step 3: what is sealed. The four values read out at the opening are typed; every other part is a file. */

import { utf8 } from "../sealing/bytes.js";
import { both, byId, Fault, sizeText } from "./dom.js";

const PRICE = "price_schedule";
const MONEY = /^(0|[1-9][0-9]{0,14})(\.[0-9]{1,2})?$/;
const DAYS = /^[1-9][0-9]{0,4}$/;
const MAX_DAYS = 36500;

/** @typedef {{ id: string, name_zh: string, name_en: string, accept?: string, required: boolean, max_bytes: number }} PartRule */
/** @typedef {{ id: string, name: string, content: Blob }} ChosenPart */

/**
 * A field for each part of the lot.
 * @param {any} lot
 */
export function showFields(lot) {
  byId("f-duration").value = lot.duration_days ?? "";
  byId("f-quality").value = lot.quality ?? "";
  const place = byId("part-fields");
  place.replaceChildren();
  for (const rule of /** @type {PartRule[]} */ (lot.parts)) if (rule.id !== PRICE) place.append(fieldOf(rule));
}

/** @param {PartRule} rule */
function fieldOf(rule) {
  const field = document.createElement("div");
  field.className = "field";
  const label = document.createElement("label");
  label.htmlFor = `f-${rule.id}`;
  label.append(both(rule.name_zh, rule.name_en));
  const hint = document.createElement("span");
  hint.className = "hint";
  hint.id = `h-${rule.id}`;
  const optional = rule.required ? ["", ""] : ["可不填，", "optional, "];
  hint.append(both(`${optional[0]}不超过 ${sizeText(rule.max_bytes)}`, `${optional[1]}at most ${sizeText(rule.max_bytes)}`));
  const input = document.createElement("input");
  input.type = "file";
  input.id = `f-${rule.id}`;
  input.setAttribute("aria-describedby", hint.id);
  if (rule.accept) input.accept = rule.accept;
  field.append(label, hint, input);
  return field;
}

/**
 * What was typed and chosen, in the lot's order. Throws Fault at the first thing to put right.
 * @param {any} lot
 * @returns {Promise<ChosenPart[]>}
 */
export async function readParts(lot) {
  const schedule = utf8(JSON.stringify(readSchedule()));
  /** @type {ChosenPart[]} */ const parts = [];
  for (const rule of /** @type {PartRule[]} */ (lot.parts)) {
    if (rule.id === PRICE) {
      parts.push({ id: PRICE, name: rule.name_zh, content: new Blob([schedule]) });
      continue;
    }
    const [file] = byId(`f-${rule.id}`).files;
    if (!file && !rule.required) continue;
    await demandFile(rule, file);
    parts.push({ id: rule.id, name: file.name.slice(-200), content: file });
  }
  return parts;
}

function readSchedule() {
  const total = byId("f-total").value.normalize("NFKC").replaceAll(",", "").trim();
  const days = byId("f-duration").value.normalize("NFKC").trim();
  if (!MONEY.test(total)) {
    throw at("f-total", "投标总价请填金额，最多两位小数。", "The total price is an amount with at most two decimals.");
  }
  if (!DAYS.test(days) || Number(days) > MAX_DAYS) {
    throw at("f-duration", "工期请填 1 到 36500 的整数。", "The duration is a whole number from 1 to 36500.");
  }
  return {
    v: 1,
    currency: "CNY",
    total,
    duration_days: Number(days),
    quality: byId("f-quality").value.trim(),
    project_manager: byId("f-manager").value.trim(),
  };
}

/**
 * @param {PartRule} rule
 * @param {File | undefined} file
 */
async function demandFile(rule, file) {
  const id = `f-${rule.id}`;
  if (!file) throw at(id, `请选择${rule.name_zh}的文件。`, `Choose the file of: ${rule.name_en}.`);
  if (file.size === 0) throw at(id, `${rule.name_zh}的文件是空的。`, `The file is empty: ${rule.name_en}.`);
  if (file.size > rule.max_bytes) {
    throw at(id, `${rule.name_zh}超过大小上限。`, `The file is larger than the limit: ${rule.name_en}.`);
  }
  if (rule.accept?.startsWith("application/pdf")) {
    const start = new Uint8Array(await file.slice(0, 5).arrayBuffer());
    if (String.fromCharCode(...start) !== "%PDF-") {
      throw at(id, `${rule.name_zh}不是 PDF 文件。`, `This is not a PDF file: ${rule.name_en}.`);
    }
  }
}

/**
 * A fault of one field, which is marked.
 * @param {string} id
 * @param {string} zh
 * @param {string} en
 */
function at(id, zh, en) {
  for (const marked of document.querySelectorAll("[aria-invalid]")) marked.removeAttribute("aria-invalid");
  byId(id).setAttribute("aria-invalid", "true");
  return new Fault(zh, en);
}
