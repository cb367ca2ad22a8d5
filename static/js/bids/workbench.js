// @ts-check
/** Rehearsal: the kept key opens the own envelope, here and now. Nothing is sent; the secret is dropped at once. */

import { fromBase64 } from "../sealing/bytes.js";
import { SealingError } from "../sealing/errors.js";
import { releaseWithKeptKey } from "../sealing/release.js";
import { askJson, say, showState } from "./page.js";

const place = document.getElementById("rehearsal");

/** @param {HTMLElement} root */
async function rehearse(root) {
  const said = /** @type {Element} */ (root.querySelector("[data-rehearsed]"));
  try {
    const own = await askJson(root.dataset.header ?? "");
    const { tender, lot, bidder, stage, bid_id, rev, header_hash } = own;
    await releaseWithKeptKey(fromBase64(own.header), { tender, lot, bidder, stage, bid: bid_id, rev, headerHash: header_hash });
    localStorage.setItem(`rehearsed:${root.dataset.envelope}`, "yes");
    showState(said, "ok", say("成功：这台电脑能打开您的投标", "It works: this computer can open your bid"));
  } catch (error) {
    const isMissing = error instanceof SealingError && ["sealing.no_key_kept", "sealing.wrong_key"].includes(error.code);
    const text = isMissing
      ? say("这个浏览器里没有能打开它的密钥，请在加密页导入备份。", "This browser holds no key that opens it; import the backup on the sealing page.")
      : say("没有成功，请重试或联系值守席。", "It did not work; try again or call the duty desk.");
    showState(said, isMissing ? "warn" : "bad", text);
    if (!(error instanceof SealingError)) console.error(error);
  }
}

if (place) {
  place.querySelector("[data-rehearse]")?.addEventListener("click", () => rehearse(place));
  if (localStorage.getItem(`rehearsed:${place.dataset.envelope}`)) {
    const said = /** @type {Element} */ (place.querySelector("[data-rehearsed]"));
    showState(said, "ok", say("这台电脑演练过这一版", "Rehearsed for this version on this computer"));
  }
}
