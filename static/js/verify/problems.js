// @ts-check
/** What a check can find. Names of checks, codes and verdicts are those of docs/reference/bundle-format.md. */

/** Evidence that does not hold: a stable code, the place, and what was compared. */
export class Problem extends Error {
  /**
   * @param {string} code
   * @param {string} [where]
   * @param {Record<string, unknown>} [detail]
   */
  constructor(code, where = "", detail = {}) {
    super(code);
    this.code = code;
    this.where = where;
    this.detail = Object.fromEntries(Object.entries(detail).map(([name, value]) => [name, shown(value)]));
  }
}

/** Something this browser lacks; nothing is wrong with the bundle. */
export class Missing extends Error {
  /** @param {string} needs */
  constructor(needs) {
    super(needs);
    this.needs = needs;
  }
}

/** @param {unknown} value */
function shown(value) {
  return (typeof value === "string" ? value : JSON.stringify(value) ?? String(value)).slice(0, 200);
}

/**
 * @param {unknown} holds
 * @param {string} code
 * @param {string} [where]
 * @param {Record<string, unknown>} [detail]
 * @returns {asserts holds}
 */
export function demand(holds, code, where, detail) {
  if (!holds) throw new Problem(code, where, detail);
}

/**
 * Two values that have to be equal: scalars, or lists and objects of them.
 * @param {unknown} found
 * @param {unknown} wanted
 * @param {string} code
 * @param {string} where
 */
export function same(found, wanted, code, where) {
  const isSame = typeof found === "object" ? JSON.stringify(found) === JSON.stringify(wanted) : found === wanted;
  if (!isSame) throw new Problem(code, where, { found, wanted });
}

const MOST_SHOWN = 20;

/** One named check. */
export class Check {
  /** @param {string} name */
  constructor(name) {
    this.name = name;
    this.compared = 0;
    this.moreProblems = 0;
    /** @type {Problem[]} */ this.problems = [];
    /** @type {Problem[]} */ this.warnings = [];
    /** @type {Problem[]} */ this.notes = [];
    /** @type {string[]} */ this.needs = [];
  }

  /**
   * Run one comparison. A problem is written down and undefined returned, so that the next comparison still runs.
   * @template T
   * @param {() => T | Promise<T>} act
   * @returns {Promise<T | undefined>}
   */
  async attempt(act) {
    this.compared += 1;
    try {
      return await act();
    } catch (error) {
      if (error instanceof Problem) this.add(error);
      else if (error instanceof Missing) this.needs = [...new Set([...this.needs, error.needs])];
      else throw error;
      return undefined;
    }
  }

  /** @param {Problem} problem */
  add(problem) {
    if (this.problems.length < MOST_SHOWN) this.problems.push(problem);
    else this.moreProblems += 1;
  }

  /**
   * @param {string} code
   * @param {string} where
   * @param {Record<string, unknown>} [detail]
   */
  warn(code, where, detail) {
    this.warnings.push(new Problem(code, where, detail));
  }

  /**
   * @param {string} code
   * @param {string} where
   * @param {Record<string, unknown>} [detail]
   */
  note(code, where, detail) {
    this.notes.push(new Problem(code, where, detail));
  }

  /** @returns {"failed" | "not_checked" | "warning" | "passed"} */
  get status() {
    if (this.problems.length) return "failed";
    if (this.needs.length) return "not_checked";
    return this.warnings.length ? "warning" : "passed";
  }
}
