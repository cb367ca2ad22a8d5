// @ts-check
/** The bidder's acts that need this device: comparing the seal, releasing 32 bytes, signing the confirmation. */

import { keptKeys } from "../sealing/keystore.js";
import { releaseWithBackup, releaseWithKeptKey } from "../sealing/release.js";
import { signWith } from "../sealing/suites.js";
import { toHex, utf8 } from "../sealing/bytes.js";
import { status } from "./dom.js";
import { envelopeOf, giveRelease, read, send, wordsFor } from "./releasing.js";
import { allFrames } from "./allframes.js";
import { confirmationNote } from "./confirming.js";
import { ledgerOf } from "./ledger.js";
import { compareSeal } from "./sealcheck.js";
import { codeOf, report } from "./trouble.js";
import { say } from "./words.js";

/** @typedef {Uint8Array<ArrayBuffer>} Bytes */

/**
 * @param {string} lot
 * @param {() => void} refresh
 */
export function startSeat(lot, refresh) {
  /** @param {Element | null} place @param {string} kind @param {string} text */
  const tell = (place, kind, text) => place?.replaceChildren(status(kind, text));

  /** @param {HTMLElement} button @param {Element | null} place @param {() => Promise<Bytes>} unwrap */
  async function release(button, place, unwrap) {
    if (button.getAttribute("aria-disabled") === "true") return;
    button.setAttribute("aria-disabled", "true");
    tell(place, "run", say("正在本机解开…", "Unwrapping on this device…"));
    try {
      const secret = await unwrap();
      await giveRelease(lot, secret);
      tell(place, "ok", say("已交出，与封存承诺相符", "Released; it matches your seal"));
      refresh();
    } catch (error) {
      tell(place, "bad", wordsFor(error));
      report(lot, codeOf(error));
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
        const { header, expected } = await envelopeOf(lot);
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
        const { header, expected } = await envelopeOf(lot);
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

  /**
   * Sign where this device holds a signing key; without one the form goes as it is. What is signed is made here from
   * what everybody was shown; a text of the platform that differs from it is never signed.
   * @param {SubmitEvent} event
   * @param {HTMLFormElement} form
   */
  async function signConfirmation(event, form) {
    const field = /** @type {HTMLInputElement} */ (form.elements.namedItem("signature"));
    const { note: given = "", lotCode = "", bid = "" } = form.dataset;
    if (field.value || !given) return;
    event.preventDefault();
    const place = document.querySelector("[data-confirm-result]");
    let text = given;
    try {
      text = await confirmationNote(lotCode, ledgerOf(await allFrames(lot, ["public"], read)), bid);
    } catch (error) {
      tell(place, "bad", wordsFor(error));
      return;
    }
    if (text !== given) {
      tell(place, "bad", say("没有签名，也没有提交：平台要求签的内容与公开唱标的不一致。请截图并联系值守席。", "Nothing was signed or sent: what the platform asks to sign is not what was read out in public. Keep a picture and call the duty desk."));
      return;
    }
    try {
      const [key] = await keptKeys({ for: "signing" });
      if (key) field.value = toHex(await signWith(key, utf8(text)));
    } catch {
      field.value = ""; // no key can be read here: confirming without a signature is as good
    }
    form.submit();
  }
}

