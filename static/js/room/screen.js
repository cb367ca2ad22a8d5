// @ts-check
/** The wall of the lobby: asks its own page anew every few seconds and says so when it could not. */

import { put } from "./dom.js";
import { Parts } from "./parts.js";
import { say, timeOf } from "./words.js";

const EVERY_MS = 5000;
let goodAt = new Date(Date.parse(document.documentElement.dataset.now ?? "")).toISOString();
let failures = 0;

const parts = new Parts(location.href, false, () => {
  failures = 0;
  goodAt = new Date().toISOString();
  put(document.querySelector("[data-wall-line]"), "");
});

setInterval(() => {
  failures += 1;
  if (failures > 2) {
    put(document.querySelector("[data-wall-line]"), say(`连接断开，最后更新 ${timeOf(goodAt)}`, `Line lost, last update ${timeOf(goodAt)}`));
  }
  parts.refreshSoon();
}, EVERY_MS);
