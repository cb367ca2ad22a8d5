// @ts-check
/**
 * The line to the room: a socket that resumes where it stopped; where the socket fails, the same frames by polling —
 * of the room itself, whose answer waits until there is something to say, else of the web.
 * A lost line changes no right, so it never gives up: it only waits a little longer, a little differently each time.
 */

import { atLeast, feed, serverNow } from "../kit/clock.js";
import { afterText } from "./store.js";

/** @typedef {import("./store.js").Store} Store */

/**
 * @typedef {object} Status
 * @property {"connecting" | "live" | "polling" | "lost" | "refused"} state
 * @property {number} [since] performance.now() of the loss
 * @property {number} [tries] how often it was tried since
 * @property {number} [nextAt] performance.now() of the next try
 * @property {number} [awayMs] after a resume: how long it was away
 * @property {number} [code] why it was refused
 */

const HELLO_MS = 3000;
/** What this page speaks (docs/reference/room-protocol.md). */
export const VERSION = 1;
const SILENT_MS = 14_000; // the room speaks every ten seconds
const PING_MS = 11_000;
const POLL_MS = 2000;
const WAIT_MS = 12_000; // the room answers after eight seconds at the latest
const AGAIN_MS = 200;
const SOCKET_AGAIN_MS = 10_000;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 15_000;
const JUMP_MS = 2000;
const OUTDATED = 4426;
const FINAL = new Set([4401, 4403, 4404, OUTDATED, 1008]);

/** Half fixed, half by chance: thousands who lost the line together must not come back together. @param {number} ms */
export const jittered = (ms) => ms / 2 + (Math.random() * ms) / 2;

/**
 * The room tells spectators how wide to strew their first return, so that a full room does not come as one wave.
 * @param {number} tries @param {number} spreadMs
 */
export const retryAfter = (tries, spreadMs = 0) =>
  jittered(Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** tries)) + (tries === 0 ? Math.random() * spreadMs : 0);

/**
 * Whether the answer goes on where this page stands; otherwise it is another history (a restored database).
 * @param {Record<string, number>} from @param {Record<string, number>} asked
 */
const isOurs = (from, asked) => Object.entries(from).every(([audience, number]) => number >= (asked[audience] ?? 0));

export class Line {
  /**
   * @param {object} options
   * @param {string} options.socketUrl ws(s)://…/rooms/<lot>
   * @param {string} options.pollUrl /rooms/<lot>/events
   * @param {Store} options.store
   * @param {(status: Status) => void} options.onStatus
   * @param {(presence: Record<string, any>) => void} [options.onPresence]
   */
  constructor({ socketUrl, pollUrl, store, onStatus, onPresence = () => {} }) {
    this.socketUrl = socketUrl;
    this.pollUrl = pollUrl;
    this.store = store;
    this.onStatus = onStatus;
    this.onPresence = onPresence;
    this.tries = 0;
    this.lostAt = 0;
    this.isPolling = false;
    this.isOver = false;
    /** @type {WebSocket | null} */
    this.socket = null;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.connectTimer = undefined;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.pollTimer = undefined;
    this.heardAt = 0;
    this.sentPings = new Map();
    this.spreadMs = 0;
    /** The room's own waiting answer; left alone for the web's once it fails. */
    this.waitUrl = `${socketUrl.replace(/^ws/, "http")}/poll`;
    this.isRoomDeaf = false;
  }

  start() {
    this.onStatus({ state: "connecting" });
    this.#connect();
    setInterval(() => this.#watch(), 1000);
    addEventListener("online", () => this.retryNow());
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden && this.socket?.readyState === WebSocket.OPEN) this.#ping();
    });
  }

  /** Try at once (the button of the seat, or the network came back). */
  retryNow() {
    if (this.isOver || this.isLive) return;
    const old = this.socket;
    this.socket = null;
    old?.close();
    this.#connectIn(0);
    if (this.isPolling) this.#pollIn(0);
  }

  #connect() {
    let hasHello = false;
    const asked = this.store.state.heads;
    const socket = new WebSocket(`${this.socketUrl}?v=${VERSION}&after=${afterText(asked)}`);
    this.socket = socket; // an older one that still closes is no longer ours
    const helloTimer = setTimeout(() => {
      if (!hasHello) this.#fall(socket);
    }, HELLO_MS);
    socket.addEventListener("message", ({ data }) => {
      if (socket !== this.socket) return;
      this.heardAt = performance.now();
      const message = JSON.parse(data);
      if (message.hello) {
        hasHello = true;
        clearTimeout(helloTimer);
        this.spreadMs = message.hello.spread_ms ?? 0;
        this.#arrived(message.hello.from, asked);
      } else {
        this.#hear(message);
      }
    });
    socket.addEventListener("close", ({ code }) => {
      clearTimeout(helloTimer);
      if (socket !== this.socket) return;
      this.socket = null;
      if (FINAL.has(code)) this.#refused(code);
      else this.#fall(socket);
    });
  }

  /** @param {Record<string, number>} from @param {Record<string, number>} asked */
  #arrived(from, asked) {
    if (!isOurs(from, asked)) {
      location.reload(); // another history (a restored database): nothing on this page can be trusted any more
      return;
    }
    const awayMs = this.lostAt ? performance.now() - this.lostAt : 0;
    this.tries = 0;
    this.lostAt = 0;
    this.isPolling = false;
    this.isRoomDeaf = false;
    this.#clear();
    this.onStatus({ state: "live", awayMs });
    this.#ping();
  }

  /** @param {Record<string, any>} message */
  #hear(message) {
    if ("seq" in message) {
      if (this.store.accept(/** @type {any} */ (message)) === "gap") this.#fetchMissed();
      if (Date.parse(message.at) - serverNow() > JUMP_MS) this.#ping(); // the demonstration clock was moved
      atLeast(message.at);
    } else if (message.presence) {
      this.onPresence(message.presence);
    } else if (message.pong !== undefined) {
      const sentAt = this.sentPings.get(message.pong);
      this.sentPings.delete(message.pong);
      if (sentAt !== undefined) feed(message.time, sentAt, performance.now());
    } else if (message.time) {
      this.spreadMs = message.spread_ms ?? 0;
      if (Math.abs(Date.parse(message.time) - serverNow()) > JUMP_MS) this.#ping();
    }
  }

  #ping() {
    if (this.socket?.readyState !== WebSocket.OPEN) return;
    const number = Math.round(performance.now());
    this.sentPings.set(number, performance.now());
    this.socket.send(JSON.stringify({ ping: number }));
  }

  /** The socket is gone or silent: poll meanwhile, try the socket again later. @param {WebSocket} socket */
  #fall(socket) {
    if (this.isOver) return;
    if (this.socket === socket) this.socket = null;
    socket.close();
    clearTimeout(this.connectTimer);
    if (!this.lostAt) this.lostAt = performance.now();
    const wait = this.isPolling ? jittered(SOCKET_AGAIN_MS) : retryAfter(this.tries, this.spreadMs);
    this.tries += 1;
    this.#connectIn(wait);
    if (!this.isPolling) {
      this.onStatus({ state: "lost", since: this.lostAt, tries: this.tries, nextAt: performance.now() + wait });
    }
    // A restarted room is back within three seconds: until then nobody burdens the web with polling.
    if (this.pollTimer === undefined) this.#pollIn(HELLO_MS + jittered(POLL_MS));
  }

  /** @param {number} wait */
  #connectIn(wait) {
    clearTimeout(this.connectTimer);
    this.connectTimer = setTimeout(() => this.#connect(), wait);
  }

  /** @param {number} wait */
  #pollIn(wait) {
    clearTimeout(this.pollTimer);
    this.pollTimer = setTimeout(() => this.#poll(), wait);
  }

  get isLive() {
    return this.lostAt === 0 && this.socket?.readyState === WebSocket.OPEN;
  }

  async #poll() {
    if (this.isOver || this.isLive) return;
    const isAnswered = await this.#fetchMissed({ mayWait: true });
    if (this.isOver || this.isLive) return;
    if (isAnswered && !this.isPolling) {
      this.isPolling = true;
      this.onStatus({ state: "polling", awayMs: performance.now() - this.lostAt });
      this.#connectIn(jittered(SOCKET_AGAIN_MS));
    } else if (!isAnswered && this.isPolling) {
      this.isPolling = false;
      this.lostAt = performance.now();
      this.onStatus({ state: "lost", since: this.lostAt, tries: 1, nextAt: this.lostAt + POLL_MS });
    }
    this.#pollIn(isAnswered && !this.isRoomDeaf ? jittered(AGAIN_MS) : jittered(2 * POLL_MS));
  }

  /**
   * What was missed: of the room, whose answer waits for news, else of the web, which answers at once.
   * @param {{ mayWait?: boolean }} [options]
   * @returns {Promise<boolean>} whether the platform answered
   */
  async #fetchMissed({ mayWait = false } = {}) {
    // The first answer of a page that lost its line must not wait: somebody looks at "lost".
    if (mayWait && this.isPolling && !this.isRoomDeaf) {
      if (await this.#ask(this.waitUrl, WAIT_MS)) return true;
      this.isRoomDeaf = true;
    }
    return this.#ask(this.pollUrl, HELLO_MS * 2);
  }

  /** @param {string} url @param {number} patienceMs @returns {Promise<boolean>} */
  async #ask(url, patienceMs) {
    const sentAt = performance.now();
    const asked = this.store.state.heads;
    try {
      const answer = await fetch(`${url}?v=${VERSION}&after=${afterText(asked)}`, {
        headers: { Accept: "application/json" },
        cache: "no-store",
        credentials: "include",
        signal: AbortSignal.timeout(patienceMs),
      });
      if ([401, 403, 404, 426].includes(answer.status)) this.#refused(4000 + answer.status);
      if (!answer.ok) return false;
      const body = await answer.json();
      if (!isOurs(body.from, asked)) location.reload();
      // An answer that waited says when it was given, not how long the way is: clocks are set by quick ones alone.
      if (url === this.pollUrl) feed(body.server_time, sentAt, performance.now());
      for (const frame of body.frames) this.store.accept(frame);
      return true;
    } catch {
      return false;
    }
  }

  /** @param {number} code */
  #refused(code) {
    this.isOver = true;
    this.#clear();
    this.onStatus({ state: "refused", code });
  }

  #watch() {
    if (this.socket?.readyState !== WebSocket.OPEN) return;
    const silence = performance.now() - this.heardAt;
    if (silence > SILENT_MS) this.#fall(this.socket);
    else if (silence > PING_MS) this.#ping();
  }

  #clear() {
    clearTimeout(this.connectTimer);
    clearTimeout(this.pollTimer);
    this.connectTimer = undefined;
    this.pollTimer = undefined;
  }
}
