// @ts-check
/**
 * Rehearsal on the workbench: the kept key, or the one of a backup file, opens the own envelope here and now. The
 * centre gets one digest that it can check only at the opening; the secret is dropped at once.
 */

import { fromBase64 } from "../sealing/bytes.js";
import { SealingWorker } from "../sealing/client.js";
import { demand, SealingError } from "../sealing/errors.js";
import { importPair } from "../sealing/keys.js";
import { rehearsalStatement } from "../sealing/rehearse.js";
import { releaseWithKeptKey, releaseWithPair } from "../sealing/release.js";
import { askJson, icon, Refused, say, showState, spoken, Unreachable } from "./page.js";

/** @typedef {Uint8Array<ArrayBuffer>} Bytes */
/** @typedef {import("../sealing/release.js").Expected} Expected */
/** @typedef {(header: Bytes, expected: Expected) => Promise<Bytes>} Unwrap */

const NO_KEY = ["sealing.no_key_kept", "sealing.wrong_key"];
const place = document.getElementById("rehearsal");
let isBusy = false;

/**
 * Unwrap on this device, then file the statement where it still counts.
 * @param {HTMLElement} root
 * @param {Unwrap} unwrap
 * @returns {Promise<boolean>} whether it is on record
 */
async function rehearse(root, unwrap) {
  const own = await askJson(root.dataset.header ?? "");
  const { tender, lot, bidder, stage, bid_id: bid, rev, header_hash: headerHash } = own;
  const header = fromBase64(own.header);
  const secret = await unwrap(header, { tender, lot, bidder, stage, bid, rev, headerHash });
  try {
    const { challenge, statement } = root.dataset;
    if (!challenge || !statement) return false;
    await askJson(statement, await rehearsalStatement(header, secret, await askJson(challenge, {})));
    return true;
  } catch (error) {
    if (error instanceof Refused) throw new NotRecorded(error.message);
    if (error instanceof Unreachable) throw new NotRecorded(spoken(error).title);
    throw error;
  } finally {
    secret.fill(0);
  }
}

/** The key opens the bid; only the record is missing. */
class NotRecorded extends Error {}

/**
 * @param {HTMLElement} root
 * @param {Element} said
 * @param {Unwrap} unwrap
 */
async function run(root, said, unwrap) {
  if (isBusy) return false;
  isBusy = true;
  showState(said, "run", say("正在本机试开…", "Trying on this device…"));
  try {
    showDone(root, said, await rehearse(root, unwrap));
    return true;
  } catch (error) {
    showTrouble(said, error);
    return false;
  } finally {
    isBusy = false;
  }
}

/**
 * @param {HTMLElement} root
 * @param {Element} said
 * @param {boolean} isRecorded
 */
function showDone(root, said, isRecorded) {
  const text = isRecorded
    ? say("成功：您的密钥能打开这份投标，已记为“已验证”", "It works: your key opens the bid; it is now verified")
    : say("成功：您的密钥能打开这份投标（截止后不再记录）", "It works: your key opens the bid (no longer recorded after the deadline)");
  showState(said, "ok", text);
  remember(root, isRecorded);
  if (!isRecorded) return;
  const task = root.closest("li");
  const word = task?.querySelector(":scope > .st");
  if (!task || !word) return;
  task.className = "done";
  word.className = "st st-ok";
  word.replaceChildren(icon("ok"), say("已验证", "Verified"));
}

/**
 * @param {Element} said
 * @param {unknown} error
 */
function showTrouble(said, error) {
  if (error instanceof NotRecorded) {
    showState(said, "warn", say(`密钥能打开这份投标，但没有记录成功：${error.message}`, `Your key opens the bid, but that was not put on record: ${error.message}`));
    return;
  }
  if (error instanceof SealingError) {
    showState(said, NO_KEY.includes(error.code) ? "warn" : "bad", wordsFor(error));
    return;
  }
  showState(said, "bad", [spoken(error).title, ...spoken(error).reasons].join(" "));
}

/** @param {SealingError} error */
function wordsFor(error) {
  const known = /** @type {Record<string, string>} */ ({
    "sealing.no_key_kept": say("这个浏览器里没有本标段的密钥。投标没有受影响，请用备份文件验证。", "This browser holds no key for the lot. The bid is not affected; check with the backup file."),
    "sealing.wrong_key": say("密钥或口令不对。投标没有受损，可以再试；仍不行，请在截止前重新封存。", "Wrong key or passphrase. The bid is not harmed; try again. If it stays so, seal anew before the deadline."),
    "sealing.key_file_malformed": say("这不是解密密钥的备份文件，请选文件名以 opening 开头的那一个。", "This is not the backup of an opening key; choose the file whose name begins with opening."),
    "sealing.bad_header": say("平台给出的信封与清单不一致，没有继续。请联系值守席。", "The platform's envelope does not fit its manifest; nothing was done. Call the duty desk."),
    "sealing.worker_failed": say("浏览器的加密组件没有启动。请更新浏览器。", "The browser's encryption did not start. Update the browser."),
  });
  return known[error.code] ?? say(`核对不符（${error.code}）。请联系值守席。`, `A check failed (${error.code}). Call the duty desk.`);
}

/**
 * That this very computer opened this revision: the record says only that some device of the bidder did.
 * @param {HTMLElement} root
 * @param {boolean} isRecorded
 */
function remember(root, isRecorded) {
  if (isRecorded) localStorage.setItem(`rehearsed:${root.dataset.envelope}`, "yes");
}

/** @param {HTMLElement} root */
function startKept(root) {
  const said = /** @type {Element} */ (root.querySelector("[data-rehearsed]"));
  root.querySelector("[data-rehearse]")?.addEventListener("click", () => run(root, said, releaseWithKeptKey));
  if (localStorage.getItem(`rehearsed:${root.dataset.envelope}`)) {
    showState(said, "ok", say("这台电脑验证过这一版", "Checked for this version on this computer"));
  }
}

/** @param {HTMLElement} root */
function startBackup(root) {
  const form = /** @type {HTMLFormElement | null} */ (document.querySelector("form[data-backup]"));
  if (!form) return;
  const said = /** @type {Element} */ (form.querySelector("[data-backup-said]"));
  const chosen = /** @type {HTMLInputElement} */ (form.querySelector('input[type="file"]'));
  const passphrase = /** @type {HTMLInputElement} */ (form.querySelector('input[type="password"]'));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const file = chosen.files?.[0];
    if (!file) {
      showState(said, "warn", say("请先选择备份文件", "Choose the backup file first"));
      chosen.focus();
      return;
    }
    const isDone = await run(root, said, async (header, expected) => {
      const pair = await pairOf(new Uint8Array(await file.arrayBuffer()), passphrase.value);
      return releaseWithPair(header, pair, expected);
    });
    if (isDone) form.reset();
  });
}

/**
 * Opening the file takes a second and a half of hard work: not on the page's own thread.
 * @param {Bytes} bytes
 * @param {string} passphrase
 */
async function pairOf(bytes, passphrase) {
  const worker = new SealingWorker();
  try {
    const key = await worker.readBackup(bytes, passphrase);
    demand(key.for === "opening", "sealing.key_file_malformed", { reason: "use" });
    return await importPair(key);
  } finally {
    worker.close();
  }
}

if (place) {
  startKept(place);
  startBackup(place);
}
