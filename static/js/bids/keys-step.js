// @ts-check
/**
 * Step 1: the bidder's keys. Made once, written to backup files, read back from what the bidder saved, and only then
 * kept in the browser and registered. A key nobody can restore is worse than none.
 */

import { serverNow } from "../kit/clock.js";
import { demand } from "../sealing/errors.js";
import { generateKey } from "../sealing/keys.js";
import { askForPersistence, keepKey, keptKeys } from "../sealing/keystore.js";
import { CURVES, suiteNamed } from "../sealing/suites.js";
import { askJson, byId, say, spoken } from "./page.js";

/** @typedef {import("../sealing/keys.js").KeyFile} KeyFile */
/** @typedef {import("../sealing/keys.js").KeptKey} KeptKey */
/** @typedef {{ opening: KeptKey, signing: KeptKey }} KeyPairs */

export class KeysStep {
  #lot;
  #worker;
  #registerUrl;
  #onReady;
  /** @type {KeyFile[]} */ #fresh = [];
  /** @type {Set<string>} */ #downloaded = new Set();

  /**
   * @param {any} lot lot.json
   * @param {import("../sealing/client.js").SealingWorker} worker
   * @param {string} registerUrl
   * @param {(keys: KeyPairs) => void} onReady
   */
  constructor(lot, worker, registerUrl, onReady) {
    this.#lot = lot;
    this.#worker = worker;
    this.#registerUrl = registerUrl;
    this.#onReady = onReady;
    listen("make-form", () => this.#make());
    listen("check-form", () => this.#check());
    listen("import-form", () => this.#import());
    byId("make-anyway").addEventListener("click", () => show("make"));
  }

  async start() {
    const { opening, signing } = await this.#kept();
    if (opening && signing) return this.#ready({ opening, signing });
    const isKnownElsewhere = this.#lot.signing_keys.length > 0 || this.#lot.last !== null;
    show(isKnownElsewhere ? "elsewhere" : "make");
  }

  async #kept() {
    const { tender, lot, bidder, signing_keys } = this.#lot;
    const [opening] = await keptKeys({ for: "opening", tender, lot, owner: bidder });
    const signers = await keptKeys({ for: "signing", owner: bidder });
    return { opening, signing: signers.find((key) => signing_keys.includes(key.publicKey)) };
  }

  /** @param {KeyPairs} keys */
  #ready(keys) {
    show("here");
    this.#onReady(keys);
  }

  async #make() {
    const passphrase = byId("make-pass").value;
    demand(passphrase === byId("make-again").value, "sealing.cannot_seal", {
      reason: say("两次口令不一致", "the two passphrases differ"),
      part: say("口令", "passphrase"),
    });
    status(say("正在生成密钥和备份，大约三秒…", "Making keys and backup, about three seconds…"));
    const { tender, lot, bidder } = this.#lot;
    const created = new Date(serverNow()).toISOString();
    const { opening, signing } = await this.#kept();
    this.#fresh = [];
    const suite = await suiteNamed(this.#lot.suite, "sealing.keyset_malformed");
    if (!opening) this.#fresh.push(await generateKey({ for: "opening", tender, lot, owner: bidder }, created, suite));
    const own = { tender: "", lot: "", owner: bidder };
    if (!signing) this.#fresh.push(await generateKey({ for: "signing", ...own }, created, suite));
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
    link.download = `${file.for}-${file.for === "opening" ? this.#lot.lot : file.owner}.age`;
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
    const label = say("浏览器", "Browser");
    const answer = await askJson(this.#registerUrl, { signing: find("signing"), sealing: find("opening"), label });
    this.#lot.signing_keys = answer.signing_keys;
    for (const file of files) await keepKey(file);
    const isPersistent = await askForPersistence();
    byId("check-pass").value = byId("import-pass").value = "";
    status(
      isPersistent
        ? ""
        : say("浏览器可能清理本机数据，请务必保管好备份文件。", "The browser may clear its data: keep the backup files safe."),
    );
    const { opening, signing } = await this.#kept();
    if (opening && signing) this.#ready({ opening, signing });
    else show("make");
  }
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
