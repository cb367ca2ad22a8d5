// @ts-check
/**
 * What can go wrong while sealing, as a code the page turns into a sentence in the reader's language.
 * The codes are the ones of the Python half, so one translation table serves both.
 */

/** A sealing, release or verification step that must not go on. */
export class SealingError extends Error {
  /**
   * @param {string} code such as "sealing.wrong_key"
   * @param {Record<string, string | number>} [fields] what the sentence needs; never key material
   */
  constructor(code, fields = {}) {
    super(code);
    this.name = "SealingError";
    this.code = code;
    this.fields = fields;
  }
}

/**
 * Stop with a code unless a condition holds.
 * @param {unknown} holds
 * @param {string} code
 * @param {Record<string, string | number>} [fields]
 * @returns {asserts holds}
 */
export function demand(holds, code, fields) {
  if (!holds) throw new SealingError(code, fields);
}
