// @ts-check
/** A page of many rooms (duty desk, hall) asks itself anew every few seconds, and says so when it could not. */

import { show, status } from "./dom.js";
import { Parts } from "./parts.js";
import { say, timeOf } from "./words.js";

const page = document.getElementById("watch");
const everyMs = Number(page?.dataset.every) || 5000;
let goodAt = Date.now();

const tell = (/** @type {HTMLElement} */ made) => show(document.querySelector("[data-watch-line]"), made);
const parts = new Parts(location.href, page?.dataset.crowd === "true", () => {
  goodAt = Date.now();
  tell(status("link", say("自动更新", "Updates by itself"), "link"));
});

setInterval(() => {
  if (Date.now() - goodAt > 3 * everyMs) {
    const last = timeOf(new Date(goodAt).toISOString());
    tell(status("off", say(`连接断开，最后更新 ${last}`, `Line lost, last update ${last}`), "off"));
  }
  if (!document.hidden) parts.refreshSoon();
}, everyMs);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) parts.refreshSoon();
});
