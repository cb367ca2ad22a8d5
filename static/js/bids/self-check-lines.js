// @ts-check
/**
 * What the self-check looks at, in the order of the page. A check never throws: what fails is its finding. Measured
 * values are figures and names, never sentences; what to do about a line stands on the page.
 */

import { randomBytes, isSame, sha256, toHex, utf8 } from "../sealing/bytes.js";
import { SealingWorker } from "../sealing/client.js";
import { SealingError } from "../sealing/errors.js";
import { generateKey } from "../sealing/keys.js";
import { S1 } from "../sealing/suite_s1.js";
import { ConnectionLost, openHttp, openSocket } from "../sealing/transports.js";
import { changeHeaders } from "./page.js";

/**
 * @typedef {"ok" | "warn" | "bad"} State
 * @typedef {{ id: string, state: State, measured: string }} Finding
 * @typedef {{ state: State, measured: string }} Found
 * @typedef {DOMStringMap} Place addresses: socket, http, time
 * @typedef {{ id: string, find: (place: Place, before: Finding[]) => Promise<Found> }} Check
 * @typedef {Uint8Array<ArrayBuffer>} Bytes
 */

const MIB = 1024 * 1024;
const PROBE_BYTES = 64 * 1024;
const LITTLE_SPACE = 50 * MIB;
const DRIFT_MS = 5000;
const TRIAL_MS = 90_000;
/** Modules in workers and streams as sealing uses them. */
const LEAST = /** @type {const} */ ([
  ["Edge", /Edg\/(\d+)/, 111],
  ["Firefox", /Firefox\/(\d+)/, 114],
  ["Chromium", /Chrom(?:e|ium)\/(\d+)/, 111],
  ["Safari", /Version\/(\d+(?:\.\d+)?).*Safari\//, 16.4],
]);

/** @type {(state: State, measured?: string) => Found} */
const found = (state, measured = "") => ({ state, measured });

/**
 * Errors a browser or a line may rightly raise here; anything else is a fault of this page and shows itself.
 * @param {unknown} error
 * @returns {string} its name
 */
function nameOf(error) {
  if (error instanceof SealingError) return error.code;
  if (error instanceof ConnectionLost) return `connection ${error.message}`;
  if (error instanceof Error) return error.name;
  return String(error);
}

/**
 * @param {State} state when it fails
 * @param {() => Promise<Found>} work
 * @returns {Promise<Found>}
 */
async function tried(state, work) {
  try {
    return await work();
  } catch (error) {
    return found(state, nameOf(error));
  }
}

async function secure() {
  return found(isSecureContext && typeof crypto?.subtle === "object" ? "ok" : "bad", location.origin);
}

async function browser() {
  const agent = navigator.userAgent;
  for (const [name, pattern, least] of LEAST) {
    const version = Number(pattern.exec(agent)?.[1]);
    if (version) return found(version >= least ? "ok" : "bad", `${name} ${version}`);
  }
  return found("warn", agent.slice(0, 60));
}

/** ECDH and ECDSA on P-256, AES-256-GCM, HMAC-SHA-256: each done once, and undone. */
function cryptography() {
  return tried("bad", async () => {
    const { subtle } = crypto;
    const curve = { name: "ECDSA", namedCurve: "P-256" };
    const signing = await subtle.generateKey(curve, false, ["sign", "verify"]);
    const message = utf8("etender-self-check/v1\n");
    const algorithm = { name: "ECDSA", hash: "SHA-256" };
    const signature = await subtle.sign(algorithm, signing.privateKey, message);
    const isSigned = await subtle.verify(algorithm, signing.publicKey, signature, message);
    const aes = await subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
    const iv = randomBytes(12);
    const sealed = await subtle.encrypt({ name: "AES-GCM", iv }, aes, message);
    const opened = new Uint8Array(await subtle.decrypt({ name: "AES-GCM", iv }, aes, sealed));
    const mac = await subtle.generateKey({ name: "HMAC", hash: "SHA-256" }, false, ["sign", "verify"]);
    const isMade = await subtle.verify("HMAC", mac, await subtle.sign("HMAC", mac, message), message);
    const wrapped = await wrapOnce(randomBytes(32));
    return found(isSigned && isMade && isSame(opened, message) && wrapped ? "ok" : "bad");
  });
}

/** @param {Bytes} secret */
async function wrapOnce(secret) {
  const pair = await throwAwayKey();
  const info = utf8("etender-self-check/v1\nwrap\n");
  const opened = await S1.unwrap(pair, info, await S1.wrap(pair.public_key, info, secret));
  return opened !== undefined && isSame(opened, secret);
}

/** A pair that is forgotten with the page; non-extractable, as a kept key is. */
async function throwAwayKey() {
  const file = await generateKey({ for: "opening", tender: "", lot: "", owner: "" }, "", S1);
  return { ...(await S1.importPair(file)), public_key: file.public_key };
}

/** The worker writes a backup of a throw-away key and reads it again: what a bidder does first. */
function worker() {
  return tried("bad", async () => {
    const works = new SealingWorker();
    try {
      const scope = /** @type {const} */ ({ for: "opening", tender: "", lot: "", owner: "" });
      const file = await generateKey(scope, new Date().toISOString(), S1);
      const passphrase = toHex(randomBytes(16));
      const started = performance.now();
      await works.checkBackup(await works.writeBackup(file, passphrase), passphrase, file.public_key);
      return found("ok", seconds(started));
    } finally {
      works.close();
    }
  });
}

/** A key that cannot be exported is put away, found again in a second connection, and deleted. */
function keys() {
  return tried("bad", async () => {
    const name = "etender-self-check";
    const { privateKey } = await throwAwayKey();
    const put = await openDatabase(name);
    await transact(put, "readwrite", (store) => store.put(privateKey, "key"));
    put.close();
    const get = await openDatabase(name);
    const kept = await transact(get, "readonly", (store) => store.get("key"));
    get.close();
    indexedDB.deleteDatabase(name);
    return found(kept instanceof CryptoKey && !kept.extractable ? "ok" : "bad");
  });
}

/**
 * @param {string} name
 * @returns {Promise<IDBDatabase>}
 */
function openDatabase(name) {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, 1);
    request.onupgradeneeded = () => request.result.createObjectStore("keys");
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/**
 * @param {IDBDatabase} database
 * @param {IDBTransactionMode} mode
 * @param {(store: IDBObjectStore) => IDBRequest} work
 * @returns {Promise<any>}
 */
function transact(database, mode, work) {
  return new Promise((resolve, reject) => {
    const transaction = database.transaction("keys", mode);
    const request = work(transaction.objectStore("keys"));
    transaction.oncomplete = () => resolve(request.result);
    transaction.onabort = () => reject(transaction.error);
  });
}

function persistent() {
  return tried("warn", async () => {
    if (!navigator.storage?.persist) return found("warn");
    const isKept = (await navigator.storage.persisted()) || (await navigator.storage.persist());
    return found(isKept ? "ok" : "warn");
  });
}

function storage() {
  return tried("warn", async () => {
    const { quota = 0, usage = 0 } = (await navigator.storage?.estimate?.()) ?? {};
    return found(quota - usage >= LITTLE_SPACE ? "ok" : "warn", `${Math.floor((quota - usage) / MIB)} MiB`);
  });
}

/**
 * By the quicker of two answers; a demonstration's own clock is not compared.
 * @param {Place} place
 */
function clock(place) {
  return tried("warn", async () => {
    let best = { error: Infinity, drift: 0 };
    for (let i = 0; i < 2; i += 1) {
      const sent = performance.now();
      const answer = await fetch(place.time ?? "", { cache: "no-store", headers: { Accept: "application/json" } });
      const { now, is_demo } = await answer.json();
      if (is_demo) return found("ok");
      const error = (performance.now() - sent) / 2;
      if (error < best.error) best = { error, drift: Date.now() - (Date.parse(now) + error) };
    }
    const isClose = Math.abs(best.drift) <= DRIFT_MS + best.error;
    return found(isClose ? "ok" : "warn", `${best.drift >= 0 ? "+" : "-"}${(Math.abs(best.drift) / 1000).toFixed(1)} s`);
  });
}

/** @param {Place} place */
function socket(place) {
  return tried("warn", async () => found("ok", await carry(await openSocket(place.socket ?? ""), randomBytes(PROBE_BYTES))));
}

/** @param {Place} place */
function http(place) {
  return tried("warn", async () => found("ok", await carry(await httpTransport(place), randomBytes(PROBE_BYTES))));
}

/** @param {Place} place */
const httpTransport = (place) => openHttp(place.http ?? "", changeHeaders());

/**
 * A mebibyte through the real thing: sealed under a throw-away key, carried by the channel a bid would take (the
 * server compares its digest), then unwrapped, decrypted and compared here.
 * @param {Place} place
 * @param {Finding[]} before
 */
function round(place, before) {
  return tried("bad", async () => {
    const pair = await throwAwayKey();
    const [b, rBid, rGate, hh] = [randomBytes(32), randomBytes(32), randomBytes(32), randomBytes(32)];
    const info = utf8("etender-self-check/v1\nround\n");
    const wrapped = await S1.wrap(pair.public_key, info, rBid);
    const plain = await noise(MIB);
    const sealed = await encrypt(await S1.partKey(await S1.contentKey(b, rBid, rGate), "trial"), hh, plain);
    const hasSocket = before.some(({ id, state }) => id === "socket" && state === "ok");
    const carried = await carry(await (hasSocket ? openSocket(place.socket ?? "") : httpTransport(place)), sealed);
    const secret = await S1.unwrap(pair, info, wrapped);
    if (secret === undefined || !isSame(secret, rBid)) return found("bad", "unwrap");
    const key = await S1.partKey(await S1.contentKey(b, secret, rGate), "trial");
    return found(isSame(await S1.decrypt(key, hh, sealed), plain) ? "ok" : "bad", `1 MiB, ${carried}`);
  });
}

/**
 * Random bytes of any length: the generator gives 64 KiB at a time.
 * @param {number} length
 * @returns {Promise<Bytes>}
 */
async function noise(length) {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += PROBE_BYTES) crypto.getRandomValues(bytes.subarray(at, at + PROBE_BYTES));
  return bytes;
}

/**
 * @param {Bytes} key
 * @param {Bytes} context
 * @param {Bytes} plain
 * @returns {Promise<Bytes>}
 */
async function encrypt(key, context, plain) {
  const encryptor = await S1.encryptor(key, context);
  const pieces = [encryptor.prefix, await encryptor.update(plain), await encryptor.finalize()];
  return new Uint8Array(await new Blob(pieces).arrayBuffer());
}

/**
 * Send bytes as the one trial segment; gives the time it took.
 * @param {import("../sealing/transports.js").Transport} transport
 * @param {Bytes} bytes
 */
async function carry(transport, bytes) {
  const started = performance.now();
  /** @type {ReturnType<typeof setTimeout> | undefined} */ let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new ConnectionLost("timeout")), TRIAL_MS);
  });
  try {
    const segment = { part: "trial", index: 0, bytes, sha256: toHex(await sha256(bytes)) };
    await Promise.race([transport.send(segment, () => {}), late]);
    return seconds(started);
  } finally {
    clearTimeout(timer);
    transport.close();
  }
}

/** @param {number} started performance.now() */
const seconds = (started) => `${((performance.now() - started) / 1000).toFixed(2)} s`;

/** @type {readonly Check[]} */
export const CHECKS = [
  { id: "secure", find: secure },
  { id: "browser", find: browser },
  { id: "crypto", find: cryptography },
  { id: "worker", find: worker },
  { id: "keys", find: keys },
  { id: "persistent", find: persistent },
  { id: "storage", find: storage },
  { id: "clock", find: clock },
  { id: "socket", find: socket },
  { id: "http", find: http },
  { id: "round", find: round },
];
