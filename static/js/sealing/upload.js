// @ts-check
/**
 * Uploading ciphertext segments as they are made: socket first, HTTP where it does not get through, taken up again
 * after a break with the very same bytes (never encrypted anew), with progress that counts only what has left the
 * machine.
 */

import { SealingError } from "./errors.js";
import { ConnectionLost, isHeld, openHttp, openSocket } from "./transports.js";

/** Segments under way at a time: the second hides the wait for the first one's acknowledgement. */
const LANES = 2;
/** Segments held in memory, waiting included: 32 MiB. */
const WINDOW = 4;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
const PROGRESS_EVERY_MS = 200;
const RATE_WINDOW_MS = 15_000;
const MAX_RESENDS = 3;

/** @typedef {import("./seal.js").Segment} Segment */
/** @typedef {import("./transports.js").Transport} Transport */

/**
 * @typedef {object} UploadProgress
 * @property {number} storedBytes acknowledged as durable
 * @property {number} sentBytes stored plus what has left this machine
 * @property {number} totalBytes
 * @property {number | null} bytesPerSecond over the last 15 s; null until known
 * @property {number | null} secondsLeft null until known
 * @property {"socket" | "http" | "waiting"} by waiting = the connection is down and is being tried again
 *
 * @typedef {object} UploadOptions
 * @property {string} socketUrl `wss://<room origin>/uploads/<upload id>`
 * @property {string} httpUrl `/uploads/<upload id>`
 * @property {number} totalBytes of all segments, known before sealing
 * @property {Record<string, string>} [headers] sent with HTTP requests
 * @property {(progress: UploadProgress) => void} [onProgress]
 * @property {boolean} [isSameCiphertext] the segments are stored bytes of an earlier attempt, so what the server holds
 *   need not be sent; never set it after sealing anew
 * @property {number} [giveUpAfterMs] of unbroken failure, ten minutes unless told
 */

/**
 * @typedef {object} Entry
 * @property {Segment} segment
 * @property {number} sent bytes handed to the transport in this try
 * @property {number} tries
 */

export class SegmentUploader {
  #options;
  /** @type {Transport | null} */ #transport = null;
  /** @type {UploadProgress["by"]} */ #by = "waiting";
  /** @type {Promise<Transport> | null} */ #connecting = null;
  /** @type {Entry[]} */ #queue = [];
  /** @type {Set<Entry>} */ #running = new Set();
  /** @type {(() => void)[]} */ #changes = [];
  /** @type {unknown} */ #failure = undefined;
  #hasStopped = false;
  #storedBytes = 0;
  /** @type {{ at: number, bytes: number }[]} */ #samples = [];
  #reportedAt = 0;
  /** @type {(() => void) | null} */ #wake = null;

  /** @param {UploadOptions} options */
  constructor(options) {
    this.#options = options;
  }

  /**
   * Hand over a segment; resolves when there is room for the next one. Throws SealingError with the server's code, or
   * "upload.unreachable".
   * @param {Segment} segment
   * @returns {Promise<void>}
   */
  async offer(segment) {
    this.#queue.push({ segment, sent: 0, tries: 0 });
    this.#pump();
    await this.#until(() => this.#queue.length + this.#running.size < WINDOW);
  }

  /**
   * Resolves when every segment offered is stored.
   * @returns {Promise<void>}
   */
  async finish() {
    await this.#until(() => this.#queue.length + this.#running.size === 0);
    this.#report(true);
    this.stop();
  }

  /** Close the connection and let go of what waits. */
  stop() {
    this.#hasStopped = true;
    this.#transport?.close();
    this.#wake?.();
  }

  /** @param {() => boolean} isReached */
  async #until(isReached) {
    while (this.#failure === undefined && !isReached()) {
      await new Promise((resolve) => this.#changes.push(() => resolve(undefined)));
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  #changed() {
    for (const tell of this.#changes.splice(0)) tell();
  }

  #pump() {
    while (this.#failure === undefined && this.#running.size < LANES) {
      const entry = this.#queue.shift();
      if (entry === undefined) return;
      this.#running.add(entry);
      this.#deliver(entry)
        .catch((error) => {
          this.#failure ??= error;
          this.#transport?.close();
        })
        .finally(() => {
          this.#running.delete(entry);
          this.#pump();
          this.#changed();
        });
    }
  }

  /** @param {Entry} entry */
  async #deliver(entry) {
    const { segment } = entry;
    for (let resends = 0; ; ) {
      const transport = await this.#connection();
      const mayBeHeld = entry.tries > 0 || this.#options.isSameCiphertext === true;
      if (mayBeHeld && isHeld(transport.held, segment.part, segment.index)) break;
      entry.tries += 1;
      try {
        await transport.send(segment, (sent) => {
          entry.sent = sent;
          this.#report(false);
        });
        break;
      } catch (error) {
        entry.sent = 0;
        if (error instanceof ConnectionLost) this.#lose(transport);
        else if (isDamageOnTheWay(error) && resends < MAX_RESENDS) resends += 1;
        else throw error;
      }
    }
    entry.sent = 0;
    this.#storedBytes += segment.bytes.length;
    this.#report(false);
  }

  /** @param {Transport} transport */
  #lose(transport) {
    if (this.#transport !== transport) return;
    transport.close();
    this.#transport = null;
    this.#by = "waiting";
    this.#report(true);
  }

  /** @returns {Promise<Transport>} */
  async #connection() {
    if (this.#transport) return this.#transport;
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = null;
    });
    return this.#connecting;
  }

  /** @returns {Promise<Transport>} */
  async #connect() {
    const giveUpAt = performance.now() + (this.#options.giveUpAfterMs ?? 600_000);
    for (let pause = FIRST_PAUSE_MS; !this.#hasStopped; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
      const made = (await this.#attempt("socket")) ?? (await this.#attempt("http"));
      if (made) return made;
      if (performance.now() > giveUpAt) throw new SealingError("upload.unreachable");
      await this.#sleep(pause);
    }
    throw new SealingError("upload.stopped");
  }

  /**
   * @param {"socket" | "http"} by
   * @returns {Promise<Transport | undefined>}
   */
  async #attempt(by) {
    const { socketUrl, httpUrl, headers } = this.#options;
    try {
      this.#transport = await (by === "socket" ? openSocket(socketUrl) : openHttp(httpUrl, headers ?? {}));
      this.#by = by;
      return this.#transport;
    } catch (error) {
      if (error instanceof ConnectionLost) return undefined;
      throw error;
    }
  }

  /**
   * Wait, but not past the moment the browser says it is online again.
   * @param {number} pauseMs
   */
  #sleep(pauseMs) {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        globalThis.removeEventListener("online", wake);
        resolve(undefined);
      };
      // Spread out, so that a centre coming back is not met by every bidder in the same instant.
      const timer = setTimeout(wake, pauseMs * (0.75 + crypto.getRandomValues(new Uint8Array(1))[0] / 512));
      globalThis.addEventListener("online", wake);
      this.#wake = wake;
    });
  }

  /** @param {boolean} isUrgent */
  #report(isUrgent) {
    const at = performance.now();
    if (!isUrgent && at - this.#reportedAt < PROGRESS_EVERY_MS) return;
    this.#reportedAt = at;
    const handed = [...this.#running].reduce((sum, entry) => sum + entry.sent, 0);
    const onTheWay = Math.max(0, handed - (this.#transport?.buffered() ?? 0));
    const sentBytes = this.#storedBytes + onTheWay;
    this.#samples = this.#samples.filter((sample) => at - sample.at < RATE_WINDOW_MS);
    this.#samples.push({ at, bytes: sentBytes });
    const [first] = this.#samples;
    const elapsed = (at - first.at) / 1000;
    const rate = elapsed > 0.5 ? Math.max(0, (sentBytes - first.bytes) / elapsed) : null;
    const { totalBytes, onProgress } = this.#options;
    const secondsLeft = rate ? Math.ceil((totalBytes - sentBytes) / rate) : null;
    const storedBytes = this.#storedBytes;
    onProgress?.({ storedBytes, sentBytes, totalBytes, bytesPerSecond: rate, secondsLeft, by: this.#by });
  }
}

/** @param {unknown} error */
function isDamageOnTheWay(error) {
  return error instanceof SealingError && error.code.endsWith(".digest_mismatch");
}
