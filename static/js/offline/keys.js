// @ts-check
/**
 * Step 2: the keys, by backup or made here. They live in this page's memory only; a fresh key counts once its backup
 * was read back from what the bidder saved.
 */

import { checkBackup, generateKey, importPair, readBackup, writeBackup } from "../sealing/keys.js";
import { suiteNamed, CURVES } from "../sealing/suites.js";
import { both, breathe, byId, bytesOf, Fault, note, onSubmit, say } from "./dom.js";

/** @typedef {import("../sealing/keys.js").KeyFile} KeyFile */
/** @typedef {{ signing: KeyFile, openings: KeyFile[] }} Keys */

const MAX_OPENING_KEYS = 3;

export class KeysStep {
  #lot;
  #onReady;
  /** @type {KeyFile | null} */ #signing = null;
  /** @type {KeyFile[]} */ #openings = [];
  /** @type {KeyFile[]} */ #fresh = [];

  /**
   * @param {any} lot
   * @param {(keys: Keys) => void} onReady
   */
  constructor(lot, onReady) {
    this.#lot = lot;
    this.#onReady = onReady;
  }

  start() {
    const failure = byId("keys-failure");
    onSubmit("import-form", failure, () => this.#import());
    onSubmit("make-form", failure, () => this.#make());
    onSubmit("check-form", failure, () => this.#check());
  }

  async #import() {
    const chosen = [...byId("import-files").files];
    if (chosen.length === 0) throw new Fault("请选择备份文件。", "Choose the backup files.");
    await this.#working("正在读取备份，每个约需数秒…", "Reading the backups, a few seconds each…");
    for (const one of chosen) this.#take(await readBackup(await bytesOf(one), byId("import-pass").value));
    byId("import-pass").value = "";
    this.#tell();
  }

  async #make() {
    const passphrase = byId("make-pass").value;
    if (passphrase !== byId("make-again").value) throw new Fault("两次口令不一致。", "The two passphrases differ.");
    await this.#working("正在生成密钥和备份，约需数秒…", "Making keys and backups, a few seconds…");
    const { tender, lot, bidder } = this.#lot;
    const created = new Date().toISOString();
    const suite = await suiteNamed(this.#lot.suite, "sealing.keyset_malformed");
    this.#fresh = [];
    if (this.#openings.length === 0) {
      this.#fresh.push(await generateKey({ for: "opening", tender, lot, owner: bidder }, created, suite));
    }
    if (this.#signing === null) {
      this.#fresh.push(await generateKey({ for: "signing", tender: "", lot: "", owner: bidder }, created, suite));
    }
    const links = byId("backup-links");
    links.replaceChildren();
    for (const file of this.#fresh) links.append(backupLink(file, lot, await writeBackup(file, passphrase)));
    byId("make-pass").value = byId("make-again").value = "";
    byId("check-form").hidden = false;
    say(byId("keys-status"), "下载全部备份，再选回来核对。", "Download all backups, then choose them again.");
  }

  async #check() {
    const passphrase = byId("check-pass").value;
    await this.#working("正在核对备份…", "Checking the backups…");
    const contents = await Promise.all([...byId("check-files").files].map(bytesOf));
    const checked = [];
    for (const file of this.#fresh) checked.push(await findBackup(file, contents, passphrase));
    checked.forEach((file) => this.#take(file));
    this.#fresh = [];
    byId("check-form").hidden = true;
    byId("check-pass").value = "";
    this.#tell();
  }

  /** @param {KeyFile} file */
  #take(file) {
    const { tender, lot, bidder, suite } = this.#lot;
    const isOurs = file.owner === bidder && file.private_key.crv === CURVES[suite];
    if (isOurs && file.for === "signing") {
      this.#signing = file;
    } else if (isOurs && file.for === "opening" && file.tender === tender && file.lot === lot) {
      const others = this.#openings.filter((one) => one.public_key !== file.public_key);
      this.#openings = [...others, file].slice(-MAX_OPENING_KEYS);
    } else {
      throw new Fault(
        "备份里的密钥不属于本单位、本标段或本标段的算法。",
        "The key in this backup is not of this organisation, this lot, or this lot's suite.",
      );
    }
  }

  #tell() {
    const status = byId("keys-status");
    if (this.#signing === null || this.#openings.length === 0) {
      const [zh, en] = this.#signing === null ? ["签名密钥", "signing key"] : ["解密密钥", "opening key"];
      say(status, `还缺${zh}：再导入一份备份，或在下面生成。`, `The ${en} is missing: import another backup, or make one below.`);
      return;
    }
    const isRegistered = this.#lot.signing_keys.includes(this.#signing.public_key);
    const shown = [note("ok", both("密钥齐了", "The keys are complete"), both("只在本页内存里，关闭即清除。", "Kept in this page's memory only, and gone when it is closed."))];
    if (!isRegistered) {
      shown.push(
        note(
          "warn",
          both("签名密钥还没有登记", "The signing key is not registered yet"),
          both(
            "递交前在平台的加密页导入这两份备份，即完成登记；否则投标会被拒收。",
            "Before handing in, import both backups on the platform's sealing page: that registers it. Else the bid is refused.",
          ),
        ),
      );
    }
    status.replaceChildren(...shown);
    byId("keys-forms").hidden = true;
    this.#onReady({ signing: this.#signing, openings: this.#openings });
  }

  /**
   * @param {string} zh
   * @param {string} en
   */
  async #working(zh, en) {
    say(byId("keys-status"), zh, en);
    await breathe();
  }
}

/**
 * The pair of a key as its suite uses it.
 * @param {KeyFile} file
 */
export const pairOf = (file) => importPair(file);

/**
 * @param {KeyFile} file
 * @param {string} lot
 * @param {Uint8Array<ArrayBuffer>} bytes
 */
function backupLink(file, lot, bytes) {
  const item = document.createElement("li");
  const link = document.createElement("a");
  link.className = "btn";
  link.href = URL.createObjectURL(new Blob([bytes], { type: "application/octet-stream" }));
  link.download = `${file.for}-${file.for === "opening" ? lot : file.owner}.age`;
  link.dataset.backup = file.for;
  const [zh, en] = file.for === "opening" ? ["解密密钥", "opening key"] : ["签名密钥", "signing key"];
  link.append(both(`下载备份：${zh}`, `Download the backup: ${en}`));
  item.append(link);
  return item;
}

/**
 * The chosen file that holds this very key; the last failure when none does.
 * @param {KeyFile} file
 * @param {Uint8Array<ArrayBuffer>[]} contents
 * @param {string} passphrase
 * @returns {Promise<KeyFile>}
 */
async function findBackup(file, contents, passphrase) {
  /** @type {unknown} */
  let failure = new Fault("请选回刚才下载的全部备份。", "Choose all the backups you just downloaded.");
  for (const bytes of contents) {
    try {
      return await checkBackup(bytes, passphrase, file.public_key);
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}
