// @ts-check
/** The suites there are. S2's arithmetic is a file of its own, loaded only where a lot, a bid or a key is of S2. */

import { SealingError } from "./errors.js";
import { S1 } from "./suite_s1.js";

/** @typedef {import("./suite_s1.js").Suite} Suite */

/** What can stand in `suite`, with the curve of its keys. */
export const CURVES = /** @type {Readonly<Record<string, string>>} */ ({ S1: "P-256", S2: "SM2" });

/**
 * The suite of a key set or binding. Throws SealingError `code` when there is none of this name.
 * @param {unknown} name
 * @param {string} code
 * @returns {Promise<Suite>}
 */
export async function suiteNamed(name, code) {
  if (name === "S1") return S1;
  if (name === "S2") return (await import("./suite_s2.js")).S2;
  throw new SealingError(code, { reason: "suite" });
}

/**
 * The suite a key file's curve belongs to. Throws SealingError `code` for another curve.
 * @param {unknown} curve
 * @param {string} code
 * @returns {Promise<Suite>}
 */
export async function suiteOfCurve(curve, code) {
  const found = Object.entries(CURVES).find(([, one]) => one === curve);
  return suiteNamed(found?.[0], code);
}

/**
 * Sign with a kept key, in the key's own suite.
 * @param {import("./keys.js").KeptKey} key
 * @param {Uint8Array<ArrayBuffer>} message
 * @returns {Promise<Uint8Array<ArrayBuffer>>} 64 bytes
 */
export async function signWith(key, message) {
  const suite = await suiteNamed(key.suite ?? "S1", "sealing.no_key_kept");
  return suite.sign(key.pair.privateKey, message);
}
