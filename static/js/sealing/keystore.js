// @ts-check
/**
 * Keys kept in this browser, in IndexedDB, a row each: S1's non-extractable, S2's as bytes. They can be lost: hence the
 * backup.
 */

import { importPair } from "./keys.js";
import { suiteOfCurve } from "./suites.js";

/** @typedef {import("./keys.js").KeyFile} KeyFile */
/** @typedef {import("./keys.js").KeyScope} KeyScope */
/** @typedef {import("./keys.js").KeptKey} KeptKey */

const DATABASE = "etender-keys";
const STORE = "keys";

/**
 * Keep a key that was just read back from its backup.
 * @param {KeyFile} file
 * @returns {Promise<KeptKey>}
 */
export async function keepKey(file) {
  const { for: use, tender, lot, owner, created, public_key } = file;
  const suite = (await suiteOfCurve(file.private_key.crv, "sealing.key_file_malformed")).name;
  const pair = await importPair(file);
  const kept = { for: use, tender, lot, owner, created, publicKey: public_key, suite, pair };
  await run("readwrite", (store) => store.put(kept));
  return kept;
}

/**
 * The keys kept for a scope, newest first.
 * @param {Partial<KeyScope>} scope members left out match everything
 * @returns {Promise<KeptKey[]>}
 */
export async function keptKeys(scope) {
  const all = /** @type {KeptKey[]} */ (await run("readonly", (store) => store.getAll()));
  const wanted = /** @type {[keyof KeyScope, string][]} */ (Object.entries(scope));
  return all
    .filter((key) => wanted.every(([name, value]) => key[name] === value))
    .sort((a, b) => (a.created < b.created ? 1 : -1));
}

/**
 * Forget a key, for example after the lot is concluded.
 * @param {string} publicKey 130 hex digits
 * @returns {Promise<void>}
 */
export async function forgetKey(publicKey) {
  await run("readwrite", (store) => store.delete(publicKey));
}

/**
 * Ask the browser not to evict what is kept here. False when it declines: say so, the backup then matters more.
 * @returns {Promise<boolean>}
 */
export async function askForPersistence() {
  if (!navigator.storage?.persist) return false;
  return (await navigator.storage.persisted()) || navigator.storage.persist();
}

/**
 * How well this browser keeps what is put here. A browser does not say outright that its window is private: one that
 * offers no private files (Firefox, Safari) or hardly any room (Chromium) is taken for one.
 * @returns {Promise<"kept" | "may_be_cleared" | "private" | "none">} `none`: nothing can be kept at all
 */
export async function storageState() {
  try {
    await run("readonly", (store) => store.count());
  } catch {
    return "none"; // whatever the browser calls it: without a database no key can be kept
  }
  if (await looksPrivate()) return "private";
  return (await navigator.storage?.persisted?.()) ? "kept" : "may_be_cleared";
}

/** @returns {Promise<boolean>} */
async function looksPrivate() {
  if (!navigator.storage?.getDirectory) return false;
  try {
    await navigator.storage.getDirectory();
  } catch {
    return true;
  }
  const heapLimit = /** @type {any} */ (performance).memory?.jsHeapSizeLimit;
  const { quota } = await navigator.storage.estimate();
  return heapLimit !== undefined && quota !== undefined && quota < 2 * heapLimit;
}

/** @returns {Promise<IDBDatabase>} */
function open() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "publicKey" });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/**
 * @param {IDBTransactionMode} mode
 * @param {(store: IDBObjectStore) => IDBRequest} work
 * @returns {Promise<any>} the request's result, once the transaction is durable
 */
async function run(mode, work) {
  const database = await open();
  try {
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction(STORE, mode, { durability: "strict" });
      const request = work(transaction.objectStore(STORE));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = () => reject(transaction.error);
    });
  } finally {
    database.close();
  }
}
