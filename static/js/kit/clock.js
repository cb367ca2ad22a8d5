// The platform's clock on this page. Legal time is the server's; the device only carries it on between two answers.
// performance.now() is used because it never jumps when somebody sets the device's clock.

const BEIJING_MS = 8 * 3600 * 1000;
const RESYNC_MS = 60_000;
const STALE_MS = 150_000;
/** performance.now() may stand still while a device sleeps; the two clocks of a device part by this much only then. */
const SLEPT_MS = 2_000;
const RETRY_MS = 2_000;
const ANNOUNCE_AT_S = [600, 300, 60];

const root = document.documentElement;
const english = root.lang === "en";
const say = (zh, en) => (english ? en : zh);

/** Civil time of the server minus performance.now(), in ms. */
let offset = Date.parse(root.dataset.now ?? new Date().toISOString()) - performance.now();
let uncertainty = Infinity;
let lastSync = performance.now();
let dayGap = Date.now() - performance.now();
let isRunning = false;
let retry = 0;
let paused = false;
let demoClock = false;
let frozen = 0;
/** @type {Set<(now: number) => void>} */
const listeners = new Set();
/** @type {WeakMap<Element, number>} */
const lastLeft = new WeakMap();

/** The platform's civil time now, in ms since 1970. */
export function serverNow() {
  return paused ? frozen : performance.now() + offset;
}

/** The device's error in ms: positive when it is fast. Only known after one answer of the server. */
export function drift() {
  return Number.isFinite(uncertainty) ? Date.now() - serverNow() : null;
}

/** True when the server has been silent for so long that the figures are only probable. */
export function isStale() {
  return performance.now() - lastSync > STALE_MS;
}

/** Call `listener(now)` four times a second, and at once when a hidden page is shown again. */
export function onTick(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/**
 * Take a reading of the server's clock (rooms do this with every heartbeat).
 * @param {string} iso server civil time
 * @param {number} sentAt performance.now() when asked
 * @param {number} receivedAt performance.now() when answered
 */
export function feed(iso, sentAt, receivedAt) {
  const error = (receivedAt - sentAt) / 2;
  lastSync = receivedAt;
  // A slower answer says less; but the certainty of an old one fades, because oscillators differ.
  if (error > uncertainty * 1.5) return;
  offset = Date.parse(iso) + error - receivedAt;
  uncertainty = error;
}

/**
 * Something happened on the server at `iso`, and it is known here: so it is at least that late. Every frame says so.
 * @param {string} iso server civil time
 */
export function atLeast(iso) {
  const behind = Date.parse(iso) - serverNow();
  if (behind > 0 && !paused) offset += behind;
}

async function ask() {
  const sentAt = performance.now();
  const response = await fetch("/time", { headers: { Accept: "application/json" }, cache: "no-store" });
  if (!response.ok) throw new Error(`time ${response.status}`);
  const body = await response.json();
  if (body.is_paused) {
    frozen = Date.parse(body.now);
    lastSync = performance.now();
  } else {
    feed(body.now, sentAt, performance.now());
  }
  paused = body.is_paused === true;
  demoClock = body.is_demo === true;
}

async function sync() {
  uncertainty *= 4; // let a fresh answer win over one of a minute ago
  try {
    await ask();
    if (uncertainty > 100) await ask();
  } catch {
    // Silence is shown by isStale(); the clock runs on meanwhile, and a clock in doubt asks again soon.
    clearTimeout(retry);
    if (isStale()) retry = setTimeout(sync, RETRY_MS);
  }
}

/** Whether the device slept (or somebody set its clock): its clock of day and the one used here went apart. */
function slept() {
  const gap = Date.now() - performance.now();
  const before = dayGap;
  dayGap = gap;
  return Math.abs(gap - before) > SLEPT_MS;
}

/** The page is seen again: what the server says next is believed, whatever was believed before. */
function wake() {
  uncertainty = Infinity;
  tick();
  sync();
}

const two = (n) => String(n).padStart(2, "0");

/** Time left as the server writes it: 19:12, 17:09:06, 3 天 04:05:06. */
export function left(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  const days = Math.floor(seconds / 86400);
  const hours = Math.floor(seconds / 3600) % 24;
  const rest = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  if (days) return say(`${days} 天 `, `${days} day${days > 1 ? "s" : ""} `) + `${two(hours)}:${rest}`;
  return hours ? `${two(hours)}:${rest}` : rest;
}

function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function announce(element, seconds) {
  const before = lastLeft.get(element) ?? seconds;
  lastLeft.set(element, seconds);
  if (!element.dataset.announce) return;
  const place = document.getElementById("announce");
  if (!place) return;
  const passed = ANNOUNCE_AT_S.find((mark) => before > mark && seconds <= mark && seconds > mark - 5);
  if (passed) {
    put(place, say(`${element.dataset.announce}：还剩 ${passed / 60} 分钟`, `${element.dataset.announce}: ${passed / 60} minute${passed > 60 ? "s" : ""} left`));
  } else if (before > 0 && seconds <= 0) {
    put(place, say(`${element.dataset.announce}：时间到`, `${element.dataset.announce}: time is up`));
  }
}

function moveHand(scale, now) {
  const starts = Date.parse(scale.dataset.starts);
  const part = Math.min(1, Math.max(0, (now - starts) / (Date.parse(scale.dataset.ends) - starts)));
  const x = (Number(scale.dataset.scale) * part).toFixed(1);
  scale.querySelector(".fill")?.setAttribute("width", x);
  scale.querySelector(".hand")?.setAttribute("transform", `translate(${x} 0)`);
}

function driftWords() {
  const error = drift();
  if (error === null) return say("时间以平台为准", "Platform time rules");
  if (demoClock && Math.abs(error) > 5000) return say("演示时钟，与本机时间无关", "Demo clock, unrelated to this device");
  const seconds = (Math.abs(error) / 1000).toFixed(1);
  if (Number(seconds) < 0.1) return say("本机时间准确", "This device is on time");
  return error > 0
    ? say(`本机快 ${seconds} 秒，已校正`, `This device is ${seconds} s fast, corrected`)
    : say(`本机慢 ${seconds} 秒，已校正`, `This device is ${seconds} s slow, corrected`);
}

function tick() {
  if (slept()) {
    // How long it slept nobody knows but the server: in doubt until it answers.
    lastSync = -Infinity;
    uncertainty = Infinity;
    if (isRunning) sync();
  }
  const now = serverNow();
  const beijing = new Date(now + BEIJING_MS).toISOString();
  for (const element of document.querySelectorAll("[data-clock]")) {
    put(element, element.dataset.clock === "full" ? `${beijing.slice(0, 10)} ${beijing.slice(11, 19)}` : beijing.slice(11, 19));
  }
  for (const element of document.querySelectorAll("[data-until]")) {
    const ms = Date.parse(element.dataset.until) - now;
    if (Number.isNaN(ms)) continue; // nothing runs: an empty data-until
    put(element, left(ms));
    announce(element, Math.ceil(ms / 1000));
    if (ms <= 0 && !element.dataset.over) {
      element.dataset.over = "yes";
      element.dispatchEvent(new CustomEvent("clock:over", { bubbles: true }));
    }
  }
  for (const scale of document.querySelectorAll("[data-scale]")) moveHand(scale, now);
  for (const element of document.querySelectorAll("[data-drift]")) put(element, driftWords());
  for (const element of document.querySelectorAll('.clock[data-state="running"], .clock[data-state="stale"], .deadline[data-state]')) {
    const state = isStale() ? "stale" : "running";
    if (element.dataset.state !== "over" && element.dataset.state !== state) element.dataset.state = state;
  }
  for (const listener of listeners) listener(now);
}

/** Start the page's clock. Called once by kit.js. */
export function startClock() {
  tick();
  setInterval(tick, 250);
  if (!document.querySelector("[data-clock], [data-until], [data-needs-clock]")) return;
  isRunning = true;
  sync();
  setInterval(() => {
    if (!document.hidden) sync();
  }, RESYNC_MS);
  // A hidden tab is throttled, and a page may come back from the browser's cache: show the right figures the moment it
  // is seen again.
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) wake();
  });
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) wake();
  });
}
