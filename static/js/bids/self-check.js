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
  /** @type {Element} */ (item.querySelector("[data-measured]")).textContent = measured;
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
    const { text_url } = await askJson(root.dataset.results, { lines: findings });
    link.href = text_url;
    link.hidden = false;
    kept.textContent = say("结果已保存，只有本单位看得到。", "The result is kept; only your organisation sees it.");
  } catch (error) {
    const { title } = spoken(error);
    kept.textContent = say(`结果没有保存：${title}`, `The result was not kept: ${title}`);
  }
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
