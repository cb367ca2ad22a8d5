// Keeps the guide bar true without a reload: asks every two seconds, draws the bar anew when something has changed, and
// counts down to a jump of the clock. Without this module the bar is as old as the page; its links work all the same.

const EVERY_MS = 2000;
const COUNT_MS = 1000;

let jumpAt = null;

const bar = () => document.getElementById("guide");

function wait(ms) {
  return new Promise((wake) => setTimeout(wake, ms));
}

function take(seconds) {
  jumpAt = seconds >= 0 ? performance.now() + seconds * 1000 : null;
}

function count() {
  const place = bar()?.querySelector("[data-jump-left]");
  if (!place || jumpAt === null) return;
  const text = String(Math.max(0, Math.ceil((jumpAt - performance.now()) / 1000)));
  if (place.textContent !== text) place.textContent = text;
}

async function asked(accept) {
  const response = await fetch(bar().dataset.guide, { headers: { Accept: accept }, cache: "no-store" });
  if (!response.ok) throw new Error(`guide ${response.status}`);
  return response;
}

function say(before, after) {
  const text = after?.querySelector("[data-guide-do]")?.textContent.trim() ?? "";
  const place = document.getElementById("announce");
  // Only what asks for the reader, or ends a wait: every deed of the others would be noise.
  const matters = after?.classList.contains("guide-turn") || before?.dataset.stage !== after?.dataset.stage;
  if (place && text && matters) place.textContent = text;
}

async function drawAnew() {
  const text = await (await asked("text/html")).text();
  const page = new DOMParser().parseFromString(text, "text/html");
  const fresh = page.getElementById("guide");
  const old = bar();
  if (!fresh) {
    old.remove();
    return;
  }
  const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
  const isOpen = old.querySelector("details")?.open ?? false;
  // The forms of the answer belong to the guide's own page: they must lead back to this one.
  for (const back of fresh.querySelectorAll('input[name="back"]')) back.value = location.pathname + location.search;
  old.replaceWith(document.adoptNode(fresh));
  // The guide's own page shows the whole way: it goes along.
  const way = page.getElementById("guide-page");
  if (way) document.getElementById("guide-page")?.replaceWith(document.adoptNode(way));
  bar().querySelector("details").open = isOpen;
  if (focused) document.getElementById(focused)?.focus();
  say(old, fresh);
}

async function look() {
  const { guide } = await (await asked("application/json")).json();
  if (!guide?.run) {
    bar().remove();
    return;
  }
  if (guide.version !== bar().dataset.version) await drawAnew();
  take(guide.jump_in);
}

async function watch() {
  while (bar()) {
    await wait(EVERY_MS);
    if (document.hidden || !bar()) continue;
    try {
      await look();
    } catch {
      // The line is down: the next round asks again.
    }
  }
}

if (bar()) {
  take(Number(bar().dataset.jump ?? -1));
  setInterval(count, COUNT_MS / 4);
  watch();
}
