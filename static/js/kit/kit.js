// Loaded by every page. Each module only adds to pages that already work without it.
import { startClock } from "./clock.js";
import { startDialogs } from "./dialog.js";
import { startKeeping } from "./dirty.js";
import { startTextSwitch } from "./text-size.js";

startClock();
startDialogs();
startKeeping();
startTextSwitch();

// An error summary takes the focus, so that it is read first.
const summary = document.querySelector("[data-focus]");
summary?.focus();
// The sentence stands beside its field; in the summary it needs the field's name before it.
for (const link of summary?.querySelectorAll('a[href^="#f-"]') ?? []) {
  const field = document.getElementById(link.hash.slice(1));
  const label = field?.closest("fieldset")?.querySelector("legend") ?? field?.labels?.[0];
  const name = label?.firstChild?.textContent?.trim();
  if (name) link.textContent = name + (document.documentElement.lang === "en" ? ": " : "：") + link.textContent;
}

// A refused button says its reason instead of acting.
document.addEventListener("click", (event) => {
  const button = event.target instanceof Element ? event.target.closest('[aria-disabled="true"]') : null;
  if (button) event.preventDefault();
});
