// @ts-check
/**
 * The bidder's keys on this device. Made once, written to backup files, read back from what the bidder saved, and only
 * then kept in the browser and registered. A key nobody can restore is worse than none.
 *
 * The sealing page needs an opening and a signing key, a further device (`keys-page.js`) an opening key alone.
 */

import { serverNow } from "../kit/clock.js";
import { demand } from "../sealing/errors.js";
import { generateKey } from "../sealing/keys.js";
import { askForPersistence, keepKey, keptKeys, storageState } from "../sealing/keystore.js";
import { CURVES, suiteNamed } from "../sealing/suites.js";
import { askJson, byId, say, spoken } from "./page.js";

/** @typedef {import("../sealing/keys.js").KeyFile} KeyFile */
/** @typedef {import("../sealing/keys.js").KeptKey} KeptKey */
/** @typedef {{ opening: KeptKey, signing: KeptKey }} KeyPairs */

/**
 * @typedef {object} KeysOrder
 * @property {any} lot lot.json; its lists of registered keys are brought up to date
 * @property {import("../sealing/client.js").SealingWorker} worker
 * @property {string} registerUrl
 * @property {boolean} [isFurtherDevice] only an opening key is wanted
 * @property {() => string} label what the registered keys are called
 * @property {(keys: KeyPairs) => void} onReady `signing` is undefined on a further device without one
 */

export class KeysStep {
  #lot;
  #worker;
  #registerUrl;
  #isFurtherDevice;
  #label;
  #onReady;
  /** @type {KeyFile[]} */ #fresh = [];
  /** @type {Set<string>} */ #downloaded = new Set();

  /** @param {KeysOrder} order */
  constructor({ lot, worker, registerUrl, isFurtherDevice = false, label, onReady }) {
    this.#lot = lot;
    this.#worker = worker;
    this.#registerUrl = registerUrl;
    this.#isFurtherDevice = isFurtherDevice;
    this.#label = label;
    this.#onReady = onReady;
    listen("make-form", () => this.#make());
    listen("check-form", () => this.#check());
    listen("import-form", () => this.#import());
    byId("make-anyway").addEventListener("click", () => show("make"));
  }

  async start() {
    if ((await showStorage()) === "none") return show("nothing can be kept");
    const { opening, signing } = await this.#kept();
    if (this.#isComplete(opening, signing)) return this.#ready(opening, signing);
    const isKnownElsewhere = this.#lot.signing_keys.length > 0 || this.#lot.last !== null;
    show(isKnownElsewhere && !this.#isFurtherDevice ? "elsewhere" : "make");
  }

  /** @param {KeptKey | undefined} opening @param {KeptKey | undefined} signing */
  #isComplete(opening, signing) {
    return opening !== undefined && (this.#isFurtherDevice || signing !== undefined);
  }

  async #kept() {
    const { tender, lot, bidder, signing_keys } = this.#lot;
    const [opening] = await keptKeys({ for: "opening", tender, lot, owner: bidder });
    const signers = await keptKeys({ for: "signing", owner: bidder });
    return { opening, signing: signers.find((key) => signing_keys.includes(key.publicKey)) };
  }

  /** @param {any} opening @param {any} signing */
  #ready(opening, signing) {
    show("here");
    this.#onReady({ opening, signing });
  }

  async #make() {
    const passphrase = byId("make-pass").value;
    demand(passphrase === byId("make-again").value, "sealing.cannot_seal", {
      reason: say("两次口令不一致", "the two passphrases differ"),
      part: say("口令", "passphrase"),
    });
    await askForPersistence();
    await showStorage();
    status(say("正在生成密钥和备份，大约三秒…", "Making keys and backup, about three seconds…"));
    const { tender, lot, bidder } = this.#lot;
    const created = new Date(serverNow()).toISOString();
    const { opening, signing } = await this.#kept();
    this.#fresh = [];
    const suite = await suiteNamed(this.#lot.suite, "sealing.keyset_malformed");
    if (!opening) this.#fresh.push(await generateKey({ for: "opening", tender, lot, owner: bidder }, created, suite));
    const own = { tender: "", lot: "", owner: bidder };
    if (!signing && !this.#isFurtherDevice) {
      this.#fresh.push(await generateKey({ for: "signing", ...own }, created, suite));
    }
    const links = byId("backup-links");
    links.replaceChildren();
    this.#downloaded.clear();
    for (const file of this.#fresh) {
      links.append(this.#link(file, await this.#worker.writeBackup(file, passphrase)));
    }
    byId("make-pass").value = byId("make-again").value = "";
    show("backup");
    status("");
  }

  /**
   * @param {KeyFile} file
   * @param {Uint8Array<ArrayBuffer>} bytes
   */
  #link(file, bytes) {
    const item = document.createElement("li");
    const link = document.createElement("a");
    const kind = file.for === "opening" ? say("解密密钥", "opening key") : say("签名密钥", "signing key");
    link.className = "btn";
    link.href = URL.createObjectURL(new Blob([bytes], { type: "application/octet-stream" }));
    // The first digits of the public key: two devices' backups of one lot must not be taken for each other.
    link.download = `${file.for}-${file.for === "opening" ? this.#lot.lot : file.owner}-${file.public_key.slice(2, 8)}.age`;
    link.textContent = say(`下载备份：${kind}`, `Download the backup: ${kind}`);
    link.dataset.backup = file.for;
    link.addEventListener("click", () => this.#downloaded.add(file.public_key));
    item.append(link);
    return item;
  }

  async #check() {
    const chosen = [...byId("check-files").files];
    const passphrase = byId("check-pass").value;
    const isDownloaded = this.#fresh.every((file) => this.#downloaded.has(file.public_key));
    demand(isDownloaded && chosen.length === this.#fresh.length, "sealing.cannot_seal", {
      reason: say("请下载并选回全部备份文件", "download all backup files and choose all of them"),
      part: say("备份", "backup"),
    });
    status(say("正在核对备份…", "Checking the backup…"));
    const contents = await Promise.all(chosen.map(bytesOf));
    const checked = [];
    for (const file of this.#fresh) checked.push(await this.#find(file, contents, passphrase));
    await this.#adopt(checked);
    this.#fresh = [];
  }

  /**
   * The chosen file that holds this very key; the last failure when none does.
   * @param {KeyFile} file
   * @param {Uint8Array<ArrayBuffer>[]} contents
   * @param {string} passphrase
   */
  async #find(file, contents, passphrase) {
    let failure;
    for (const bytes of contents) {
      try {
        return await this.#worker.checkBackup(bytes, passphrase, file.public_key);
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  async #import() {
    const chosen = [...byId("import-files").files];
    const passphrase = byId("import-pass").value;
    demand(chosen.length > 0, "sealing.no_key_kept");
    status(say("正在读取备份…", "Reading the backup…"));
    const files = [];
    for (const one of chosen) files.push(await this.#worker.readBackup(await bytesOf(one), passphrase));
    const { tender, lot, bidder, suite } = this.#lot;
    for (const file of files) {
      demand(file.private_key.crv === CURVES[suite], "sealing.backup_of_another_key");
      const isForThisLot = file.for === "opening" && file.tender === tender && file.lot === lot;
      demand((isForThisLot || file.for === "signing") && file.owner === bidder, "sealing.backup_of_another_key");
    }
    await this.#adopt(files);
  }

  /** @param {KeyFile[]} files read back from the disk of the bidder */
  async #adopt(files) {
    const find = (/** @type {string} */ use) => files.find((file) => file.for === use)?.public_key ?? "";
    const wanted = { signing: find("signing"), sealing: find("opening"), label: this.#label() };
    const answer = await askJson(this.#registerUrl, wanted);
    this.#lot.signing_keys = answer.signing_keys;
    this.#lot.opening_keys = answer.opening_keys;
    for (const file of files) await keepKey(file);
    await askForPersistence();
    await showStorage();
    byId("check-pass").value = byId("import-pass").value = "";
    status("");
    const { opening, signing } = await this.#kept();
    if (this.#isComplete(opening, signing)) this.#ready(opening, signing);
    else show("make");
  }
}

/**
 * What this device is called where devices are listed.
 * @returns {string}
 */
export function deviceName() {
  const platform = /** @type {any} */ (navigator).userAgentData?.platform ?? "";
  return platform ? say(`浏览器（${platform}）`, `Browser (${platform})`) : say("浏览器", "Browser");
}

/** Say how well this browser keeps keys: the reader decides where to go on before making any. */
async function showStorage() {
  const found = await storageState();
  for (const one of document.querySelectorAll("[data-storage-when]")) {
    const block = /** @type {HTMLElement} */ (one);
    block.hidden = block.dataset.storageWhen !== found;
  }
  return found;
}

/** @param {string} state */
function show(state) {
  for (const element of document.querySelectorAll("[data-keys-when]")) {
    const block = /** @type {HTMLElement} */ (element);
    block.hidden = block.dataset.keysWhen !== state;
  }
}

/** @param {string} text */
function status(text) {
  byId("keys-status").textContent = text;
}

/**
 * @param {string} form
 * @param {() => Promise<void>} act
 */
function listen(form, act) {
  byId(form).addEventListener("submit", async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    try {
      await act();
    } catch (error) {
      const { title, reasons } = spoken(error);
      status([title, ...reasons].join(" "));
    }
  });
}

/** @param {File} file */
async function bytesOf(file) {
  return new Uint8Array(await file.arrayBuffer());
}
