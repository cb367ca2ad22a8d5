// @ts-check
/** One card a task. Each says what is asked, shows the evidence or why it is refused, and acts at the holder's word. */

import { askJson, say, showState, spoken, wordOf } from "../bids/page.js";
import { serverNow } from "../kit/clock.js";
import { demand, SealingError } from "../sealing/errors.js";
import { generateKey } from "../sealing/keys.js";
import { suiteNamed } from "../sealing/suites.js";
import { demandSameLot, permit, provePossession, rehearse, release } from "./deeds.js";
import { isPaper, readPaper } from "./paper.js";
import { keepKey, keptKey, recordId } from "./records.js";

/** @typedef {Uint8Array<ArrayBuffer>} Bytes */
/** @typedef {import("../sealing/keys.js").KeyFile} KeyFile */
/** @typedef {import("./records.js").KeyRecord} KeyRecord */

/**
 * @typedef {object} Desk
 * @property {string} base address of the seat
 * @property {import("../sealing/client.js").SealingWorker} worker
 * @property {import("./deeds.js").AskEntry} askEntry
 * @property {() => void} look
 * @property {() => import("../verify/signed.js").Trust | null} trust
 */

const PATIENCE_MS = 4000;
const CARDS = /** @type {Record<string, string>} */ ({
  make_key: "t-make",
  rehearse: "t-rehearse",
  release_gate_key: "t-release",
  release_escrow_shares: "t-release",
});

/**
 * @param {any} task
 * @param {Desk} desk
 * @returns {Promise<{ element: HTMLElement, isBusy: () => boolean }>}
 */
export async function cardOf(task, desk) {
  demand(CARDS[task.kind] !== undefined, "keyholding.evidence_refused", { reason: "task_form" });
  const record = await keptKey(recordId(task.keyset_id, task.role));
  const isElsewhere = record === undefined && task.kind !== "make_key";
  const card = new Card(task, desk, isElsewhere ? "t-restore" : CARDS[task.kind]);
  if (isElsewhere) card.restore();
  else if (task.kind === "make_key") card.make(record);
  else if (task.kind === "rehearse") card.rehearse(/** @type {KeyRecord} */ (record));
  else card.release(/** @type {KeyRecord} */ (record));
  return card;
}

class Card {
  #task;
  #desk;
  #busy = 0;

  /**
   * @param {any} task
   * @param {Desk} desk
   * @param {string} template
   */
  constructor(task, desk, template) {
    this.#task = task;
    this.#desk = desk;
    const source = /** @type {HTMLTemplateElement} */ (document.getElementById(template));
    this.element = /** @type {HTMLElement} */ (source.content.firstElementChild?.cloneNode(true));
    this.element.dataset.task = task.kind;
    for (const label of this.element.querySelectorAll("label[for], input[id]")) tie(label, `${task.keyset_id}-${task.kind}`);
    for (const one of this.element.querySelectorAll("[data-kind]")) {
      const block = /** @type {HTMLElement} */ (one);
      block.hidden = block.dataset.kind !== task.kind;
    }
    this.#part("lot").textContent = task.lot_code;
  }

  isBusy() {
    return this.#busy > 0;
  }

  /**
   * Make the key, back it up, check the backup, and only then give the public part.
   * @param {KeyRecord | undefined} record made before; its public part did not arrive
   */
  make(record) {
    /** @type {KeyFile | null} */ let fresh = null;
    let isDownloaded = false;
    if (record) {
      this.#part("make").hidden = true;
      this.#run(() => this.#giveKey(record));
    }
    this.#on("make", async () => {
      const [first, again] = [this.#input("pass"), this.#input("again")];
      demand(first.value === again.value, "sealing.cannot_seal", {
        reason: say("两次口令不一致", "the two passphrases differ"),
        part: say("口令", "passphrase"),
      });
      this.#say(say("正在生成密钥和备份…", "Making key and backup…"));
      const { tender, lot_code, keyset_id, role, suite } = this.#task;
      const scope = { for: role, tender, lot: lot_code, owner: keyset_id };
      fresh = await generateKey(scope, createdNow(), await suiteNamed(suite, "sealing.keyset_malformed"));
      const link = /** @type {HTMLAnchorElement} */ (this.#part("download"));
      link.href = URL.createObjectURL(new Blob([await this.#desk.worker.writeBackup(fresh, first.value)]));
      link.download = `${role}-${lot_code}.age`;
      link.addEventListener("click", () => {
        isDownloaded = true;
      });
      first.value = again.value = "";
      this.#part("make").hidden = true;
      this.#part("check").hidden = false;
      this.#say("");
    });
    this.#on("check", async () => {
      const [chosen] = this.#input("file").files ?? [];
      demand(fresh !== null && isDownloaded && chosen, "sealing.cannot_seal", {
        reason: say("请下载备份并选回来", "download the backup and choose it again"),
        part: say("备份", "backup"),
      });
      this.#say(say("正在核对备份…", "Checking the backup…"));
      const bytes = await bytesOf(chosen);
      const file = await unlocked(this.#desk.worker.checkBackup(bytes, this.#input("check-pass").value, fresh.public_key));
      this.#input("check-pass").value = "";
      const made = await this.#keep(file, bytes, await provePossession(file, this.#task.suite));
      fresh = null;
      await this.#giveKey(made);
    });
  }

  /** @param {KeyRecord} record */
  rehearse(record) {
    this.#on("act", async () => {
      demandSameLot(record, this.#task);
      const answer = await rehearse(this.#task, await this.#opened(record));
      await this.#post(`rehearsals/${this.#task.rehearsal_id}/share`, answer);
    });
  }

  /**
   * Look at the evidence again and again until it is there; only then can the holder release.
   * @param {KeyRecord} record
   */
  release(record) {
    this.#verify(record);
    this.#on("act", async () => {
      // Verified again: what the holder saw may be minutes old.
      const permitted = await this.#permit(record);
      const body = await release(this.#task, permitted, await this.#opened(record));
      const what = this.#task.kind === "release_gate_key" ? "gate-key" : "escrow-shares";
      await this.#post(`lots/${this.#task.lot_id}/${what}`, body);
    });
  }

  /** The key is not in this browser: bring it from its backup, or from a sheet typed from paper. */
  restore() {
    this.#on("act", async () => {
      const [chosen] = this.#input("file").files ?? [];
      demand(chosen, "sealing.no_key_kept");
      const bytes = await bytesOf(chosen);
      const { age, lotId } = isPaper(bytes)
        ? await readPaper(new TextDecoder().decode(bytes))
        : { age: bytes, lotId: this.#task.lot_id };
      const file = await unlocked(this.#desk.worker.readBackup(age, this.#input("pass").value));
      const { tender, lot_code, keyset_id, role, lot_id } = this.#task;
      const isThisOne = file.for === role && file.tender === tender && file.lot === lot_code && lotId === lot_id;
      demand(isThisOne && file.owner === keyset_id, "sealing.backup_of_another_key");
      await this.#keep(file, age, "");
      const next = await cardOf(this.#task, this.#desk);
      this.element.replaceWith(next.element);
      this.element = next.element;
    });
  }

  /** @param {KeyRecord} record */
  async #permit(record) {
    demandSameLot(record, this.#task);
    const trust = this.#desk.trust();
    demand(trust !== null, "keyholding.policy_refused", { reason: "missing" });
    return permit(this.#task, this.#desk.askEntry, trust, Math.floor(Date.now() / 1000));
  }

  /** @param {KeyRecord} record */
  async #verify(record) {
    const place = this.#part("evidence");
    try {
      const { fact } = await this.#permit(record);
      showState(place, "ok", say("公开日志里的共签记录已核对", "The cosigned entry of the public log is verified"));
      const at = fact.at === null ? "" : new Date(fact.at * 1000).toISOString().slice(0, 19).replace("T", " ");
      this.#part("facts").textContent = say(
        `日志第 ${fact.index} 条，共签人 ${fact.cosigners.join("、")}，共签时刻 ${at} UTC`,
        `log entry ${fact.index}, cosigned by ${fact.cosigners.join(", ")} at ${at} UTC`,
      );
      this.#part("act").hidden = false;
    } catch (error) {
      this.#part("act").hidden = true;
      const isRefused = error instanceof SealingError;
      showState(place, isRefused ? "bad" : "wait", isRefused ? refusedText() : waitingText());
      this.#part("facts").textContent = isRefused ? `${whyOf(error)} ${nextText()}` : "";
      setTimeout(() => this.element.isConnected && this.#verify(record), PATIENCE_MS);
    }
  }

  /** @param {KeyRecord} record */
  async #opened(record) {
    this.#say(say("正在用口令打开密钥…", "Opening the key with the passphrase…"));
    const field = this.#input("pass");
    const file = await unlocked(this.#desk.worker.readBackup(record.age, field.value));
    field.value = "";
    demand(file.public_key === record.publicKey, "sealing.backup_of_another_key");
    return file;
  }

  /**
   * @param {KeyFile} file
   * @param {Bytes} age
   * @param {string} proof
   * @returns {Promise<KeyRecord>}
   */
  async #keep(file, age, proof) {
    const { keyset_id, role, lot_id, tender, lot_code } = this.#task;
    const record = {
      id: recordId(keyset_id, role),
      lotId: lot_id,
      tender,
      lotCode: lot_code,
      role,
      publicKey: file.public_key,
      proof,
      age,
    };
    await keepKey(record);
    return record;
  }

  /** @param {KeyRecord} record */
  async #giveKey(record) {
    demandSameLot(record, this.#task);
    await this.#post(`keysets/${this.#task.keyset_id}/key`, { public_key: record.publicKey, proof: record.proof });
  }

  /**
   * @param {string} path
   * @param {unknown} body
   */
  async #post(path, body) {
    this.#say(say("正在提交…", "Handing in…"));
    await askJson(`${this.#desk.base}/${path}`, body);
    for (const form of this.element.querySelectorAll("form")) form.hidden = true;
    this.#say(say("完成", "Done"));
    this.#desk.look();
  }

  /**
   * @param {string} part of a form
   * @param {() => Promise<void>} act
   */
  #on(part, act) {
    this.#part(part).addEventListener("submit", (event) => {
      event.preventDefault();
      this.#run(act);
    });
  }

  /** @param {() => Promise<void>} act */
  async #run(act) {
    if (this.#busy > 0) return;
    this.#busy += 1;
    try {
      await act();
    } catch (error) {
      this.#say(whyOf(error));
    } finally {
      this.#busy -= 1;
    }
  }

  /** @param {string} name */
  #part(name) {
    return /** @type {HTMLElement} */ (this.element.querySelector(`[data-f="${name}"]`));
  }

  /** @param {string} name */
  #input(name) {
    return /** @type {HTMLInputElement} */ (this.element.querySelector(`input[name="${name}"]`));
  }

  /** @param {string} text */
  #say(text) {
    this.#part("status").textContent = text;
  }
}

/**
 * Ids are made unique a card, so that a label finds its own field.
 * @param {Element} element
 * @param {string} suffix
 */
function tie(element, suffix) {
  const name = element instanceof HTMLLabelElement ? "for" : "id";
  element.setAttribute(name, `${element.getAttribute(name)}-${suffix}`);
}

/**
 * What a passphrase opens; the one that does not fit is told in a holder's words.
 * @param {Promise<KeyFile>} opening
 */
async function unlocked(opening) {
  try {
    return await opening;
  } catch (error) {
    if (error instanceof SealingError && error.code === "sealing.wrong_key") {
      throw new SealingError("keyholding.passphrase_wrong");
    }
    throw error;
  }
}

function createdNow() {
  return new Date(serverNow()).toISOString();
}

function refusedText() {
  return say("本页拒绝交出", "This page refuses to give anything up");
}

function nextText() {
  return say("不要设法绕过，请告诉监管部门。", "Look for no way around it; tell the regulator.");
}

function waitingText() {
  return say("还没有共签，每几秒再看一次", "Not cosigned yet; looking again every few seconds");
}

/**
 * Why the evidence is refused, in words where there are any; the machine word is the one an agent logs.
 * @param {unknown} error
 */
function whyOf(error) {
  const { title, reasons } = spoken(error);
  const reason = error instanceof SealingError ? String(error.fields.reason ?? "") : "";
  return [title, wordOf(`evidence_reason.${reason}`), ...reasons].filter(Boolean).join(" ");
}

/** @param {File} file */
async function bytesOf(file) {
  return new Uint8Array(await file.arrayBuffer());
}
