// @ts-check
/** The bidder's acts that need this device: comparing the seal, releasing 32 bytes, signing the confirmation. */

import { keptKeys } from "../sealing/keystore.js";
import { releaseText, releaseWithBackup, releaseWithKeptKey } from "../sealing/release.js";
import { signWith } from "../sealing/suites.js";
import { fromBase64, toHex, utf8 } from "../sealing/bytes.js";
import { SealingError } from "../sealing/errors.js";
import { compareSeal } from "./sealcheck.js";
import { status } from "./dom.js";
import { say } from "./words.js";

/** @typedef {Uint8Array<ArrayBuffer>} Bytes */
/** @typedef {import("../sealing/release.js").Expected} Expected */

const json = { Accept: "application/json" };

/** @param {string} url */
async function read(url) {
  const answer = await fetch(url, { headers: json, cache: "no-store" });
  if (!answer.ok) throw new Error(await sentenceOf(answer));
  return answer.json();
}

/** What the platform said, in its own words. @param {Response} answer */
async function sentenceOf(answer) {
  try {
    const { title, detail } = await answer.json();
    return [title, detail].filter(Boolean).join(" ");
  } catch {
    return say(`平台没有正常答复（${answer.status}）`, `The platform did not answer properly (${answer.status})`);
  }
}

/** @param {string} url @param {object} body */
async function send(url, body) {
  const token = document.querySelector('meta[name="csrf-token"]')?.getAttribute("content") ?? "";
  const answer = await fetch(url, {
    method: "POST",
    headers: { ...json, "Content-Type": "application/json", "X-CSRFToken": token },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(await sentenceOf(answer));
  return answer.json();
}

/** What went wrong on this device, and what can be done. @param {unknown} error */
function wordsFor(error) {
  if (error instanceof SealingError) {
    const known = /** @type {Record<string, string>} */ ({
      "sealing.no_key_kept": say("这台设备上没有本标的密钥。请用封标时的浏览器，或导入备份文件。", "This device holds no key for this bid. Use the browser you sealed with, or your backup file."),
      "sealing.wrong_key": say("密钥或口令不对。投标文件没有受损，可以再试。", "Wrong key or passphrase. The bid is not harmed; try again."),
      "sealing.key_file_malformed": say("这不是本标的备份文件。", "This is not the backup file of this bid."),
      "sealing.bad_header": say("平台给出的信封与您封存的不是同一份，没有交出任何内容。请联系值守席。", "The platform's envelope is not the one you sealed; nothing was released. Call the duty desk."),
    });
    return known[error.code] ?? say(`没有交出：核对不符（${error.code}）。`, `Not released: a check failed (${error.code}).`);
  }
  return error instanceof Error ? error.message : String(error);
}

/**
 * @param {string} lot
 * @param {() => void} refresh
 */
export function startSeat(lot, refresh) {
  /** @param {Element | null} place @param {string} kind @param {string} text */
  const tell = (place, kind, text) => place?.replaceChildren(status(kind, text));

  /** The own header, and what it must be. Not trusted: `release.js` compares it with what was sealed. */
  async function envelope() {
    const own = await read(`/lots/${lot}/bid/header`);
    /** @type {Expected} */
    const expected = { tender: own.tender, lot: own.lot, bidder: own.bidder, stage: own.stage, bid: own.bid_id, rev: own.rev, headerHash: own.header_hash };
    return { header: fromBase64(own.header), expected, own };
  }

  /** @param {HTMLElement} button @param {Element | null} place @param {() => Promise<Bytes>} unwrap */
  async function release(button, place, unwrap) {
    if (button.getAttribute("aria-disabled") === "true") return;
    button.setAttribute("aria-disabled", "true");
    tell(place, "run", say("正在本机解开…", "Unwrapping on this device…"));
    try {
      const secret = await unwrap();
      await send(`/rooms/${lot}/release`, { r_bid: releaseText(secret) });
      secret.fill(0);
      tell(place, "ok", say("已交出，与封存承诺相符", "Released; it matches your seal"));
      refresh();
    } catch (error) {
      tell(place, "bad", wordsFor(error));
    } finally {
      button.removeAttribute("aria-disabled");
    }
  }

  document.addEventListener("click", async (event) => {
    if (!(event.target instanceof Element)) return;
    const releasing = event.target.closest("[data-release]");
    if (releasing instanceof HTMLElement) {
      const place = document.querySelector("[data-release-result]");
      await release(releasing, place, async () => {
        const { header, expected } = await envelope();
        return releaseWithKeptKey(header, expected);
      });
    }
    const checking = event.target.closest("[data-seal-check]");
    if (checking instanceof HTMLElement) await checkSeal(checking);
  });

  document.addEventListener("submit", async (event) => {
    if (!(event.target instanceof HTMLFormElement)) return;
    if (event.target.matches("[data-backup]")) {
      event.preventDefault();
      const form = event.target;
      const file = /** @type {HTMLInputElement} */ (form.querySelector('input[type="file"]')).files?.[0];
      const passphrase = /** @type {HTMLInputElement} */ (form.querySelector('input[type="password"]'));
      const place = document.querySelector("[data-release-result]");
      if (!file) {
        tell(place, "warn", say("请先选择备份文件", "Choose the backup file first"));
        return;
      }
      const button = /** @type {HTMLElement} */ (form.querySelector("button"));
      await release(button, place, async () => {
        const { header, expected } = await envelope();
        return releaseWithBackup(header, new Uint8Array(await file.arrayBuffer()), passphrase.value, expected);
      });
      passphrase.value = "";
    } else if (event.target.matches("[data-confirm]")) {
      await signConfirmation(event, event.target);
    }
  });

  /** @param {HTMLElement} button */
  async function checkSeal(button) {
    const place = document.querySelector("[data-seal-result]");
    button.setAttribute("aria-disabled", "true");
    tell(place, "run", say("正在本机核对…", "Comparing on this device…"));
    try {
      const found = await compareSeal(lot, read);
      await send(`/rooms/${lot}/seal-check`, { ok: found.isEqual });
      tell(place, found.isEqual ? "ok" : "bad", found.isEqual ? say(`一致：密文、版本、日志第 ${found.leafIndex} 条均与回执相符`, `Equal: ciphertext, version and log entry ${found.leafIndex} agree with the receipt`) : say(`不一致：${found.difference}。已记录，请联系值守席。`, `Different: ${found.difference}. Recorded; call the duty desk.`));
    } catch (error) {
      tell(place, "bad", wordsFor(error));
    } finally {
      button.removeAttribute("aria-disabled");
    }
  }

  /** Sign where this device holds a signing key; without one the form goes as it is. @param {SubmitEvent} event @param {HTMLFormElement} form */
  async function signConfirmation(event, form) {
    const field = /** @type {HTMLInputElement} */ (form.elements.namedItem("signature"));
    if (field.value || !form.dataset.note) return;
    event.preventDefault();
    try {
      const [key] = await keptKeys({ for: "signing" });
      if (key) field.value = toHex(await signWith(key, utf8(form.dataset.note)));
    } catch {
      field.value = ""; // no key can be read here: confirming without a signature is as good
    }
    form.submit();
  }
}

