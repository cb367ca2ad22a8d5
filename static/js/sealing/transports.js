// @ts-check
/** Two ways to carry a ciphertext segment: a WebSocket, and plain HTTP where sockets do not get through. */

import { demand, SealingError } from "./errors.js";

const FRAME_SIZE = 256 * 1024;
/** Bytes handed to the socket ahead: it must not run dry between two looks. */
const BUFFER_LIMIT = 4 << 20;
const OPEN_TIMEOUT_MS = 3000;
const POLL_MS = 10;
/** Time-out, too early, too many requests. */
const WORTH_REPEATING = [408, 425, 429];

/** @typedef {import("./seal.js").Segment} Segment */
/** @typedef {Record<string, [number, number][]>} Held inclusive ranges of segments the server has, by part */

/**
 * @typedef {object} Transport
 * @property {Held} held what the server had when the connection was made
 * @property {(segment: Segment, onBytes: (sent: number) => void) => Promise<void>} send resolves when stored; throws
 *   ConnectionLost when it is worth trying again, SealingError when the server refused
 * @property {() => number} buffered bytes handed over but not yet on the wire
 * @property {() => void} close
 */

/** The connection went away; what was not acknowledged must be sent again. */
export class ConnectionLost extends Error {}

/**
 * Whether the server holds a segment.
 * @param {Held} held
 * @param {string} part
 * @param {number} index
 * @returns {boolean}
 */
export function isHeld(held, part, index) {
  return (held[part] ?? []).some(([first, last]) => first <= index && index <= last);
}

/**
 * Open a socket and wait for the server's list of held segments, at most three seconds.
 * @param {string} url
 * @returns {Promise<Transport>}
 */
export function openSocket(url) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url);
    socket.binaryType = "arraybuffer";
    const timer = setTimeout(() => {
      socket.close();
      reject(new ConnectionLost("timeout"));
    }, OPEN_TIMEOUT_MS);
    socket.onclose = () => {
      clearTimeout(timer);
      reject(new ConnectionLost("closed"));
    };
    socket.onmessage = (event) => {
      clearTimeout(timer);
      const hello = readMessage(event.data);
      if (hello.held) resolve(new SocketTransport(socket, hello.held));
      else {
        socket.close();
        reject(new SealingError(String(hello.refused?.code ?? "upload.refused")));
      }
    };
  });
}

/** @implements {Transport} */
class SocketTransport {
  #socket;
  /** @type {{ segment: Segment, resolve: () => void, reject: (reason: Error) => void }[]} sent, not acknowledged */
  #waiting = [];
  /** @type {Promise<void>} frames of two segments never mix */ #writing = Promise.resolve();

  /**
   * @param {WebSocket} socket
   * @param {Held} held
   */
  constructor(socket, held) {
    this.#socket = socket;
    this.held = held;
    socket.onmessage = (event) => this.#answer(readMessage(event.data));
    socket.onclose = () => {
      for (const { reject } of this.#waiting.splice(0)) reject(new ConnectionLost("closed"));
    };
  }

  /**
   * @param {Segment} segment
   * @param {(sent: number) => void} onBytes
   * @returns {Promise<void>}
   */
  send(segment, onBytes) {
    return new Promise((resolve, reject) => {
      this.#writing = this.#writing.then(async () => {
        this.#waiting.push({ segment, resolve, reject });
        await this.#write(segment, onBytes);
      });
      this.#writing.catch(reject);
      this.#writing = this.#writing.catch(() => {});
    });
  }

  buffered() {
    return this.#socket.bufferedAmount;
  }

  close() {
    this.#socket.close();
  }

  /**
   * @param {Segment} segment
   * @param {(sent: number) => void} onBytes
   */
  async #write({ part, index, bytes, sha256 }, onBytes) {
    this.#demandOpen();
    this.#socket.send(JSON.stringify({ put: { part, index, size: bytes.length, sha256 } }));
    for (let at = 0; at < bytes.length; at += FRAME_SIZE) {
      while (this.#socket.bufferedAmount > BUFFER_LIMIT && this.#socket.readyState === WebSocket.OPEN) {
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
      this.#demandOpen();
      this.#socket.send(bytes.subarray(at, at + FRAME_SIZE));
      onBytes(Math.min(bytes.length, at + FRAME_SIZE));
    }
  }

  #demandOpen() {
    if (this.#socket.readyState !== WebSocket.OPEN) throw new ConnectionLost("closed");
  }

  /** @param {any} message */
  #answer(message) {
    const place = message.stored ?? message.refused;
    if (!place) return;
    const { part, index } = place;
    const named = this.#waiting.findIndex(({ segment }) => segment.part === part && segment.index === index);
    // A refusal need not say of what: the server works through segments in order.
    const [entry] = this.#waiting.splice(Math.max(0, named), 1);
    if (message.stored) entry?.resolve();
    else entry?.reject(new SealingError(String(place.code ?? "upload.refused")));
  }
}

/**
 * Plain HTTP: asks for the held segments first.
 * @param {string} url `/uploads/<id>`
 * @param {Record<string, string>} headers for example the CSRF token
 * @returns {Promise<Transport>}
 */
export async function openHttp(url, headers) {
  const answer = await request("GET", url, headers, null, () => {});
  const held = readMessage(answer).held;
  demand(held, "upload.refused");
  return {
    held,
    send: async ({ part, index, bytes, sha256 }, onBytes) => {
      const path = `${url}/parts/${encodeURIComponent(part)}/segments/${index}`;
      const all = { ...headers, "Content-Type": "application/octet-stream", "X-Content-SHA256": sha256 };
      await request("PUT", path, all, bytes, onBytes);
    },
    buffered: () => 0,
    close: () => {},
  };
}

/**
 * XMLHttpRequest rather than fetch: only it reports how much of a body has left.
 * @param {string} method
 * @param {string} url
 * @param {Record<string, string>} headers
 * @param {Uint8Array<ArrayBuffer> | null} body
 * @param {(sent: number) => void} onBytes
 * @returns {Promise<string>}
 */
function request(method, url, headers, body, onBytes) {
  return new Promise((resolve, reject) => {
    const call = new XMLHttpRequest();
    call.open(method, url);
    call.setRequestHeader("Accept", "application/json");
    for (const [name, value] of Object.entries(headers)) call.setRequestHeader(name, value);
    call.upload.onprogress = (event) => onBytes(event.loaded);
    call.onerror = () => reject(new ConnectionLost("network"));
    call.ontimeout = call.onerror;
    call.timeout = 10 * 60 * 1000;
    call.onload = () => {
      if (call.status >= 200 && call.status < 300) resolve(call.responseText);
      else if (call.status >= 500 || WORTH_REPEATING.includes(call.status)) reject(new ConnectionLost("status"));
      else reject(new SealingError(refusalCode(call.responseText), { status: call.status }));
    };
    call.send(body);
  });
}

/** @param {string} text */
function refusalCode(text) {
  const message = readMessage(text);
  return String(message.refused?.code ?? message.error?.code ?? message.code ?? "upload.refused");
}

/**
 * @param {unknown} data
 * @returns {any} a message, or an empty one where the answer is not ours (a proxy's page)
 */
function readMessage(data) {
  try {
    return JSON.parse(String(data)) ?? {};
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}
