// @ts-check
/**
 * Tells the platform what this page met while releasing: one of a closed list of codes, timed by the server. No text, no
 * key, no passphrase. What can not be sent now (the line is down) is sent once it is back.
 */

import { SealingError } from "../sealing/errors.js";

const RETRY_MS = 4000;
const WAITING_MAX = 8;

/** An answer of the platform that is not the wanted one. */
export class Refused extends Error {
  /** @param {string} sentence @param {number} status */
  constructor(sentence, status) {
    super(sentence);
    this.name = "Refused";
    this.status = status;
  }
}

const SEALING = /** @type {Record<string, string>} */ ({
  "sealing.no_key_kept": "no_key",
  "sealing.wrong_key": "wrong_key",
  "sealing.key_file_malformed": "key_file",
});

/**
 * The code of a failure; "" for one that is none of the list (the window is over, somebody else released).
 * @param {unknown} error
 */
export function codeOf(error) {
  if (error instanceof SealingError) return SEALING[error.code] ?? "envelope";
  if (error instanceof Refused) {
    if (error.status >= 500) return "platform";
    return error.status === 422 ? "rejected" : "";
  }
  if (error instanceof TypeError) return "network"; // what fetch throws when nothing answers
  return "browser";
}

/** A page may follow several lots: each report keeps its own. @type {{ lot: string, code: string }[]} */
const waiting = [];
let isSending = false;

/** Report a code; never in the way of anything. @param {string} lot @param {string} code */
export function report(lot, code) {
  if (!code || waiting.length >= WAITING_MAX) return;
  waiting.push({ lot, code });
  void flush();
}

async function flush() {
  if (isSending) return;
  isSending = true;
  while (waiting.length) {
    if (await isTaken(waiting[0].lot, waiting[0].code)) waiting.shift();
    else await new Promise((resume) => window.setTimeout(resume, RETRY_MS));
  }
  isSending = false;
}

/** Whether the platform answered, whatever it said. @param {string} lot @param {string} code */
async function isTaken(lot, code) {
  const token = document.querySelector('meta[name="csrf-token"]')?.getAttribute("content") ?? "";
  try {
    const answer = await fetch(`/rooms/${lot}/client-report`, {
      method: "POST",
      headers: { Accept: "application/json", "Content-Type": "application/json", "X-CSRFToken": token },
      body: JSON.stringify({ code }),
      keepalive: true,
    });
    return answer.status < 500;
  } catch {
    return false;
  }
}
