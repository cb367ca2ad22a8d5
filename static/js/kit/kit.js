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
document.querySelector("[data-focus]")?.focus();

// A refused button says its reason instead of acting.
document.addEventListener("click", (event) => {
  const button = event.target instanceof Element ? event.target.closest('[aria-disabled="true"]') : null;
  if (button) event.preventDefault();
});
