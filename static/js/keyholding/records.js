// @ts-check
/**
 * What a holder's browser remembers, in IndexedDB: the pinned policy, its keys, and the one frozen list it accepted for
 * each lot. A key is kept as its age file, encrypted under the holder's passphrase, and not as a non-extractable
 * WebCrypto key: a gate key has to be *published* at the opening, so its bytes must come out again, once, when the
 * holder types the passphrase. Between the two nobody who reads this browser's disk has the key.
 */

/** @typedef {Uint8Array<ArrayBuffer>} Bytes */

/**
 * @typedef {object} KeyRecord
 * @property {string} id key set and role
 * @property {string} lotId
 * @property {string} tender
 * @property {string} lotCode
 * @property {"gate" | "escrow"} role
 * @property {string} publicKey 130 hex digits
 * @property {string} proof base64 of the proof of possession; "" for a key restored from a backup
 * @property {Bytes} age the key file, encrypted
 */

const DATABASE = "etender-holder";
const STORES = ["pins", "keys", "frozen"];

/**
 * @param {string} keysetId
 * @param {string} role
 */
export const recordId = (keysetId, role) => `${keysetId}.${role}`;

/**
 * The policy pinned for a seat, or "".
 * @param {string} seatId
 * @returns {Promise<string>}
 */
export async function pinnedPolicy(seatId) {
  return (await run("pins", "readonly", (store) => store.get(seatId)))?.text ?? "";
}

/**
 * The policy pinned first counts for ever: the second is refused by the database itself.
 * @param {string} seatId
 * @param {string} text
 */
export async function pinPolicy(seatId, text) {
  await run("pins", "readwrite", (store) => store.add({ id: seatId, text }));
}

/**
 * @param {string} id
 * @returns {Promise<KeyRecord | undefined>}
 */
export function keptKey(id) {
  return run("keys", "readonly", (store) => store.get(id));
}

/** @param {KeyRecord} record never replaces another: a key is made once for a place */
export async function keepKey(record) {
  await run("keys", "readwrite", (store) => store.add(record));
}

/**
 * Accept one frozen list for a lot. False for a second, different one.
 * @param {string} lotId
 * @param {string} digest
 * @returns {Promise<boolean>}
 */
export async function acceptFrozen(lotId, digest) {
  const known = await run("frozen", "readonly", (store) => store.get(lotId));
  if (known === undefined) await run("frozen", "readwrite", (store) => store.add({ id: lotId, digest }));
  return known === undefined || known.digest === digest;
}

/** @returns {Promise<IDBDatabase>} */
function open() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => {
      for (const name of STORES) request.result.createObjectStore(name, { keyPath: "id" });
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/**
 * @param {string} name
 * @param {IDBTransactionMode} mode
 * @param {(store: IDBObjectStore) => IDBRequest} work
 * @returns {Promise<any>} the request's result, once the transaction is durable
 */
async function run(name, mode, work) {
  const database = await open();
  try {
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction(name, mode, { durability: "strict" });
      const request = work(transaction.objectStore(name));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = () => reject(transaction.error);
    });
  } finally {
    database.close();
  }
}
