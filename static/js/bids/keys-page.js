// @ts-check
/** A further device of the bidder: its own key for the lot, and the fingerprint to compare on the first one's screen. */

import { SealingWorker } from "../sealing/client.js";
import { fingerprint } from "../sealing/fingerprint.js";
import { KeysStep, deviceName } from "./keys-step.js";
import { askJson, byId, icon, readWords, say, showState, spoken } from "./page.js";

const root = byId("devices");
const worker = new SealingWorker();

/** @param {any} lot lot.json */
async function showFingerprints(lot) {
  for (const row of document.querySelectorAll("[data-key]")) {
    const { key } = /** @type {HTMLElement} */ (row).dataset;
    const place = row.querySelector("[data-fingerprint]");
    if (place && key) place.textContent = await fingerprint(lot.tender, lot.lot, key);
  }
}

/**
 * @param {any} lot
 * @param {string} publicKey of this device
 */
async function showOwn(lot, publicKey) {
  byId("own-key").hidden = false;
  byId("own-fingerprint").textContent = await fingerprint(lot.tender, lot.lot, publicKey);
  const isRegistered = lot.opening_keys.some((/** @type {any} */ one) => one.public_key === publicKey);
  byId("own-register").hidden = isRegistered;
  const text = isRegistered
    ? say("公钥已登记。在另一台电脑上加密时，请在那里对照这 16 个字符再勾选。", "Registered. When you seal on another computer, compare these 16 characters there before you tick.")
    : say("密钥在本机，公钥还没有登记。", "The key is here; its public part is not registered.");
  showState(byId("own-state"), isRegistered ? "ok" : "warn", text);
  const mark = document.querySelector(`[data-key="${publicKey}"] [data-this-device]`);
  if (mark instanceof HTMLElement) mark.hidden = false;
}

/**
 * @param {any} lot
 * @param {string} publicKey
 */
async function register(lot, publicKey) {
  try {
    const answer = await askJson(root.dataset.keys, { sealing: publicKey, label: label() });
    lot.opening_keys = answer.opening_keys;
    await showOwn(lot, publicKey);
  } catch (error) {
    const { title, reasons } = spoken(error);
    showState(byId("own-state"), "bad", [title, ...reasons].join(" "));
  }
}

const label = () => byId("make-label").value.trim() || deviceName();

async function start() {
  readWords(root);
  byId("make-label").value = deviceName();
  try {
    const lot = await askJson(root.dataset.lotJson);
    await showFingerprints(lot);
    const step = new KeysStep({
      lot,
      worker,
      registerUrl: root.dataset.keys ?? "",
      isFurtherDevice: true,
      label,
      onReady: ({ opening }) => {
        byId("register-now").addEventListener("click", () => register(lot, opening.publicKey));
        showOwn(lot, opening.publicKey);
      },
    });
    await step.start();
  } catch (error) {
    byId("keys-status").replaceChildren(icon("bad"), spoken(error).title);
  }
}

start();
