// @ts-check
// A drill under way: ask for its step, and draw the page anew when it has moved. Without this the reader reloads by hand.

const EVERY_MS = 1500;
const GIVE_UP_AFTER = 800;

async function step() {
  const answer = await fetch(location.pathname, { headers: { Accept: "application/json" }, cache: "no-store" });
  if (!answer.ok) throw new Error(`drill ${answer.status}`);
  const { drill } = await answer.json();
  return JSON.stringify([drill.state, drill.step, drill.is_lost, drill.attempt]);
}

async function watch() {
  const first = await step();
  for (let asked = 0; asked < GIVE_UP_AFTER; asked += 1) {
    await new Promise((wake) => setTimeout(wake, EVERY_MS));
    if (document.hidden) continue;
    try {
      if ((await step()) !== first) {
        location.reload();
        return;
      }
    } catch {
      // The line is down: the next round asks again.
    }
  }
}

watch().catch(() => {});
