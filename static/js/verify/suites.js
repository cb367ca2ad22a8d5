// @ts-check
/** The suites this verifier reads. Both are loaded with the page, so that it can be used without a network. */

import { Problem } from "./problems.js";
import { S1 } from "./suite_s1.js";
import { S2 } from "./suite_s2.js";

/** @typedef {import("./suite_s1.js").Suite} Suite */

const KNOWN = [S1, S2];

/**
 * The suite of this name, undefined when it is none of the two.
 * @param {string} name
 */
export const knownSuite = (name) => KNOWN.find((suite) => suite.name === name);

/**
 * The suite whose manifests begin with this line, undefined when there is none.
 * @param {string} line
 */
export const suiteOfManifest = (line) => KNOWN.find((suite) => suite.manifestKind === line);

/**
 * Problem "bid.suite" when it is none of the two.
 * @param {string} name
 * @param {string} where
 */
export function suiteNamed(name, where) {
  const found = knownSuite(name);
  if (!found) throw new Problem("bid.suite", where, { found: name });
  return found;
}
