// @ts-check
/** The page: takes a bundle, runs every check, shows what holds. Nothing leaves the page; its policy forbids it. */

import { utf8 } from "./bytes.js";
import { filesOfFolder } from "./files.js";
import { Problem } from "./problems.js";
import { NAMES, verifyFiles, verifyZip } from "./runner.js";

/** @typedef {import("./runner.js").Report} Report */
/** @typedef {Record<string, [string, string]>} Words */

const english = document.documentElement.lang === "en";
const root = byId("verify");
/** @type {{ meanings: Words, statuses: Words, verdicts: Words, problems: Words, groups: Words, limits: [string, string][] }} */
const wording = JSON.parse(root.dataset.wording ?? "{}");
const ICONS = { passed: "ok", warning: "warn", failed: "bad", not_checked: "wait" };
const ABOUT = /** @type {Record<string, [string, string]>} */ ({
  name: ["标段", "Lot"],
  lot_code: ["标段编号", "Lot code"],
  deadline_at: ["截止（北京时间）", "Deadline (Beijing time)"],
  bids: ["开标份数", "Bids"],
  tier: ["数据包种类", "Tier"],
  leaves: ["日志记录数", "Entries"],
  log: ["日志", "Log"],
  size: ["日志总条数", "Size of the log"],
  cosigned_at: ["共签时间（北京时间）", "Cosigned (Beijing time)"],
  policy_sha256: ["信任策略的 SHA-256", "SHA-256 of the policy"],
});
const TIERS = /** @type {Record<string, [string, string]>} */ ({ public: ["公开", "public"], regulator: ["监督", "regulator's"] });
/** Why something is not checked here, where it is more than a word. */
const NEEDS = /** @type {Record<string, [string, string]>} */ ({
  "tsa roots": [
    "时间戳的位置和格式已核对；签名没有核对：需要你信任的时间戳机构根证书，浏览器也不会验证这种签名。请用命令行 centre verify --tsa-roots",
    "The time stamp's place and form were checked, its signature was not: that needs roots you trust, and a browser cannot verify such signatures. Use centre verify --tsa-roots",
  ],
});
const BEIJING_MS = 8 * 3600 * 1000;
let turn = 0;

/**
 * @param {string} id
 * @returns {HTMLElement}
 */
function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`no element ${id}`);
  return found;
}

/** @param {[string, string]} pair */
const pick = (pair) => pair[english ? 1 : 0];

/**
 * @param {string} tag
 * @param {string} [text]
 * @param {string} [kind] classes
 */
function make(tag, text = "", kind = "") {
  const element = document.createElement(tag);
  element.textContent = text;
  if (kind) element.className = kind;
  return element;
}

/**
 * @param {string} name
 * @param {string} [kind]
 */
function icon(name, kind = "") {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", `i ${kind}`.trim());
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

/** @param {string} code */
function sentence(code) {
  return pick(wording.problems[code] ?? wording.groups[code.split(".")[0]] ?? [code, code]);
}

/**
 * @param {{ code: string, where: string, detail: Record<string, string> }} problem
 * @param {string} kind
 */
function finding(problem, kind) {
  const detail = Object.entries(problem.detail).map(([name, value]) => `${name}=${value}`).join(" ");
  const line = make("p", "", kind);
  line.append(make("span", sentence(problem.code), kind === "mut" ? "" : "b"), " ");
  line.append(make("span", [problem.code, problem.where, detail].filter(Boolean).join(" · "), "code xs"));
  return line;
}

/**
 * A fact as people write it: instants in Beijing time, words in the page's language.
 * @param {string} key
 * @param {string} value
 */
function shown(key, value) {
  if (key === "tier") return pick(TIERS[value] ?? [value, value]);
  if (!key.endsWith("_at")) return value;
  const beijing = new Date(Date.parse(value) + BEIJING_MS).toISOString();
  return `${beijing.slice(0, 10)} ${beijing.slice(11, 19)}`;
}

/** @param {Report} report */
function show(report) {
  const kind = report.verdict === "verified" ? "ok" : report.verdict === "failed" ? "bad" : "warn";
  const verdict = make("div", "", `note note-${kind}`);
  const words = make("div");
  words.append(make("span", pick(wording.verdicts[report.verdict]), "b"));
  verdict.append(icon(kind), words);
  byId("verdict").replaceChildren(verdict);
  byId("about").replaceChildren(
    ...Object.entries(ABOUT).flatMap(([key, label]) =>
      report.about[key] ? [make("dt", pick(label)), make("dd", shown(key, report.about[key]), "code")] : [],
    ),
  );
  byId("checks").replaceChildren(
    ...report.checks.map((check) => {
      const mark = ICONS[check.status];
      const row = make("li");
      row.append(icon(mark, `c-${mark}`), make("b", `${check.name} ${pick(wording.meanings[check.name])}`));
      row.append(make("span", pick(wording.statuses[check.status]), `st st-${mark}`));
      row.append(...check.problems.map((one) => finding(one, "err")));
      if (check.moreProblems) row.append(make("p", `+ ${check.moreProblems}`, "err"));
      row.append(...check.warnings.map((one) => finding(one, "c-warn")), ...check.notes.map((one) => finding(one, "mut")));
      row.append(...check.needs.map((need) => make("p", pick(NEEDS[need] ?? [`这里核对不了：需要 ${need}`, `Not checked here: needs ${need}`]))));
      return row;
    }),
  );
  byId("limits").replaceChildren(...wording.limits.map((pair) => make("p", pick(pair))));
  const save = byId("save");
  save.hidden = false;
  save.onclick = () => download(report);
  byId("result-title").focus();
}

/** @param {Report} report */
function download(report) {
  const plain = (/** @type {Problem} */ { code, where, detail }) => ({ code, where, detail });
  const checks = report.checks.map(({ name, status, compared, problems, warnings, notes, needs }) => ({
    name,
    status,
    compared,
    problems: problems.map(plain),
    warnings: warnings.map(plain),
    notes: notes.map(plain),
    needs,
  }));
  const text = JSON.stringify({ verdict: report.verdict, about: report.about, checks }, null, 1);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  link.download = `verification-${report.about.lot_code ?? "bundle"}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

/**
 * Run the checks over what was chosen; a later choice puts an earlier one aside.
 * @param {(asked: Parameters<typeof verifyFiles>[1]) => Promise<Report>} run
 */
async function verify(run) {
  turn += 1;
  const own = turn;
  byId("result").hidden = false;
  byId("progress-box").hidden = false;
  for (const id of ["verdict", "about", "checks", "limits"]) byId(id).replaceChildren();
  byId("save").hidden = true;
  const text = /** @type {HTMLTextAreaElement} */ (byId("policy")).value;
  const policy = text.trim() ? utf8(text.endsWith("\n") ? text : `${text}\n`) : null;
  const tell = (/** @type {string} */ name) => {
    if (own !== turn) return;
    byId("progress-text").textContent = `${name} ${pick(wording.meanings[name])}`;
    /** @type {HTMLProgressElement} */ (byId("progress")).value = NAMES.indexOf(name);
  };
  const report = await run({ policy, now: Math.floor(Date.now() / 1000), tell });
  if (own !== turn) return;
  byId("progress-box").hidden = true;
  show(report);
}

/** @param {FileList | null} chosen */
function takeFolder(chosen) {
  const found = [...(chosen ?? [])].map((file) => /** @type {[string, File]} */ ([file.webkitRelativePath.split("/").slice(1).join("/"), file]));
  if (found.length) verify((asked) => verifyFiles(filesOfFolder(found), asked));
}

/** @param {File | undefined} file */
function takeZip(file) {
  if (file) verify((asked) => verifyZip(file, asked));
}

/**
 * Every file below a dropped folder, by its path within it.
 * @param {FileSystemDirectoryEntry} folder
 * @param {string} [above]
 * @returns {Promise<[string, File][]>}
 */
async function below(folder, above = "") {
  const reader = folder.createReader();
  /** @type {[string, File][]} */
  const found = [];
  for (;;) {
    const entries = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!entries.length) return found;
    for (const entry of entries) {
      const path = above + entry.name;
      if (entry.isDirectory) found.push(...(await below(entry, `${path}/`)));
      else found.push([path, await new Promise((resolve, reject) => entry.file(resolve, reject))]);
    }
  }
}

const zipInput = /** @type {HTMLInputElement} */ (byId("bundle-file"));
const folderInput = /** @type {HTMLInputElement} */ (byId("bundle-folder"));
zipInput.addEventListener("change", () => takeZip(zipInput.files?.[0]));
folderInput.addEventListener("change", () => takeFolder(folderInput.files));
byId("choose-form").addEventListener("submit", (event) => event.preventDefault());
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", async (event) => {
  event.preventDefault();
  const entry = event.dataTransfer?.items[0]?.webkitGetAsEntry();
  if (entry?.isDirectory) {
    const found = await below(/** @type {FileSystemDirectoryEntry} */ (entry));
    await verify((asked) => verifyFiles(filesOfFolder(found), asked));
  } else {
    takeZip(event.dataTransfer?.files[0]);
  }
});
