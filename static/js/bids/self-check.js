// @ts-check
/** The self-check page: runs the checks one after another, shows each at once, keeps the result with the organisation. */

import { askJson, byId, icon, say, showState, spoken } from "./page.js";
import { CHECKS } from "./self-check-lines.js";

/** @typedef {import("./self-check-lines.js").Finding} Finding */

const root = byId("self-check");
const button = byId("check-now");
let isBusy = false;

const WORDS = {
  ok: say("正常", "OK"),
  warn: say("留意", "Note"),
  bad: say("不行", "Fails"),
  run: say("检查中", "Checking"),
};

/**
 * @param {string} id
 * @param {"run" | "ok" | "warn" | "bad"} state
 * @param {string} measured
 */
function showLine(id, state, measured) {
  const item = document.querySelector(`[data-line="${id}"]`);
  if (!item) return;
  item.querySelector("svg")?.replaceWith(icon(state, `c-${state}`));
  const word = /** @type {Element} */ (item.querySelector("[data-word]"));
  word.className = `st st-${state}`;
  word.textContent = WORDS[state];
  const figure = /** @type {HTMLElement} */ (item.querySelector("[data-measured]"));
  figure.textContent = measured;
  figure.hidden = measured === "";
  /** @type {HTMLElement} */ (item.querySelector("[data-advice]")).hidden = state === "ok" || state === "run";
}

/** @param {Finding[]} findings */
function showVerdict(findings) {
  const verdict = findings.some(({ state }) => state === "bad") ? "not_ready" : "ready";
  for (const block of document.querySelectorAll("[data-verdict]")) {
    const one = /** @type {HTMLElement} */ (block);
    one.hidden = one.dataset.verdict !== verdict;
  }
  byId("verdict").hidden = false;
}

/** @param {Finding[]} findings */
async function keep(findings) {
  const kept = /** @type {Element} */ (document.querySelector("[data-kept]"));
  const link = byId("check-text");
  try {
    const { text_url, check } = await askJson(root.dataset.results, { lines: findings });
    link.href = text_url;
    link.hidden = false;
    list(text_url, check);
    kept.textContent = say("结果已保存，只有本单位看得到。", "The result is kept; only your organisation sees it.");
  } catch (error) {
    const { title } = spoken(error);
    kept.textContent = say(`结果没有保存：${title}`, `The result was not kept: ${title}`);
  }
}

/**
 * Put the kept result on top of the earlier ones.
 * @param {string} url
 * @param {{ is_ready: boolean, checked_at: string }} check
 */
function list(url, check) {
  const item = document.createElement("li");
  const row = document.createElement("span");
  row.className = "row";
  const state = document.createElement("span");
  showState(state, check.is_ready ? "ok" : "bad", check.is_ready ? say("可以投标", "Ready") : say("还不能投标", "Not ready"));
  const link = document.createElement("a");
  link.href = url;
  link.textContent = say("刚才", "Just now");
  row.append(state, link);
  item.append(row);
  byId("check-list").prepend(item);
  document.getElementById("check-none")?.remove();
}

async function checkAll() {
  if (isBusy) return;
  isBusy = true;
  button.setAttribute("aria-disabled", "true");
  byId("verdict").hidden = true;
  byId("check-text").hidden = true;
  /** @type {Finding[]} */ const findings = [];
  for (const [at, { id, find }] of CHECKS.entries()) {
    showState(byId("check-progress"), "run", say(`第 ${at + 1} 项，共 ${CHECKS.length} 项`, `${at + 1} of ${CHECKS.length}`));
    showLine(id, "run", "");
    const { state, measured } = await find(root.dataset, findings);
    findings.push({ id, state, measured: measured.slice(0, 80) });
    showLine(id, state, measured);
  }
  byId("check-progress").replaceChildren();
  showVerdict(findings);
  await keep(findings);
  byId("verdict").focus();
  button.removeAttribute("aria-disabled");
  button.lastChild?.replaceWith(say("再检一次", "Check again"));
  isBusy = false;
}

button.addEventListener("click", checkAll);
