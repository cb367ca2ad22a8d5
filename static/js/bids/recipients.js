// @ts-check
/**
 * Which other devices of the bidder a bid is sealed to. Their public keys came through the server, which is not
 * trusted with that: a person compares fingerprints made here with those made there, and ticks. Nothing is ticked by
 * itself but what was compared on this computer before.
 */

import { fingerprint } from "../sealing/fingerprint.js";
import { byId, say, spoken } from "./page.js";

const MOST = 2;

/** @typedef {{ public_key: string, label: string }} Offered */

export class Recipients {
  #lot;
  #ownKey;
  #reload;
  /** @type {Set<string>} */ #chosen = new Set();

  /**
   * @param {any} lot lot.json
   * @param {string} ownKey public key of this device
   * @param {() => Promise<any>} reload lot.json anew
   */
  constructor(lot, ownKey, reload) {
    this.#lot = lot;
    this.#ownKey = ownKey;
    this.#reload = reload;
  }

  start() {
    byId("recipients").hidden = false;
    byId("recipients-refresh").addEventListener("click", () => this.#refresh());
    byId("recipients-list").addEventListener("change", (/** @type {Event} */ event) => this.#pick(event));
    return this.#show(this.#lot.opening_keys);
  }

  /** @returns {string[]} compared and ticked, at most two */
  chosen() {
    return [...this.#chosen];
  }

  async #refresh() {
    try {
      const { opening_keys } = await this.#reload();
      await this.#show(opening_keys);
      tell(say(`读到 ${byId("recipients-list").childElementCount} 台其他设备`, `Other devices found: ${byId("recipients-list").childElementCount}`));
    } catch (error) {
      tell(spoken(error).title);
    }
  }

  /** @param {Offered[]} offered */
  async #show(offered) {
    const others = offered.filter((one) => one.public_key !== this.#ownKey);
    const before = new Set(this.#compared());
    const lines = [];
    this.#chosen.clear();
    for (const one of others) {
      const isPicked = before.has(one.public_key) && this.#chosen.size < MOST;
      if (isPicked) this.#chosen.add(one.public_key);
      lines.push(line(one, await fingerprint(this.#lot.tender, this.#lot.lot, one.public_key), isPicked));
    }
    byId("recipients-list").replaceChildren(...lines);
    byId("recipients-none").hidden = lines.length > 0;
    byId("recipients-some").hidden = lines.length === 0;
  }

  /** @param {Event} event */
  #pick(event) {
    const box = /** @type {HTMLInputElement} */ (event.target);
    if (box.checked && this.#chosen.size >= MOST) {
      box.checked = false;
      tell(say("最多再加两台。请先取消一台。", "Two further devices at most: untick one first."));
      return;
    }
    if (box.checked) this.#chosen.add(box.value);
    else this.#chosen.delete(box.value);
    localStorage.setItem(this.#memory, JSON.stringify(this.chosen()));
    const count = this.#chosen.size + 1;
    tell(say(`加密后有 ${count} 台设备能解密，包括这台。`, `${count} devices will open the bid, this one included.`));
  }

  /** @returns {string[]} compared on this computer before: the very same keys need no second look */
  #compared() {
    try {
      const kept = JSON.parse(localStorage.getItem(this.#memory) ?? "[]");
      return Array.isArray(kept) ? kept : [];
    } catch {
      return [];
    }
  }

  get #memory() {
    return `compared:${this.#lot.lot_id}`;
  }
}

/**
 * @param {Offered} offered
 * @param {string} shown
 * @param {boolean} isPicked
 */
function line({ public_key, label }, shown, isPicked) {
  const pick = document.createElement("label");
  pick.className = "pick";
  const box = document.createElement("input");
  box.type = "checkbox";
  box.value = public_key;
  box.checked = isPicked;
  const text = document.createElement("span");
  const code = document.createElement("b");
  code.className = "code nw";
  code.textContent = shown;
  const hint = document.createElement("span");
  hint.className = "hint";
  hint.textContent = say("与那块屏幕上的一致", "agrees with the screen of that device");
  text.append(`${label || say("未命名设备", "Unnamed device")}　`, code, document.createElement("br"), hint);
  pick.append(box, text);
  return pick;
}

/** @param {string} text */
function tell(text) {
  byId("recipients-status").textContent = text;
}
