// A page that waits for work of the platform asks for itself every two seconds and reloads when its state has changed.
// Without this module the reader reloads by hand; nothing else depends on it.

const EVERY_MS = 2000;
const GIVE_UP_AFTER = 300;

async function state() {
  const response = await fetch(location.pathname, { headers: { Accept: "application/json" }, cache: "no-store" });
  if (!response.ok) throw new Error(`state ${response.status}`);
  const { lot } = await response.json();
  return JSON.stringify([lot.state, lot.order?.state ?? "", lot.keyset?.seats.filter((seat) => seat.is_ready).length, lot.ready, lot.keyset_state]);
}

async function watch() {
  const first = await state();
  for (let asked = 0; asked < GIVE_UP_AFTER; asked += 1) {
    await new Promise((wake) => setTimeout(wake, EVERY_MS));
    if (document.hidden || document.querySelector("dialog[open], :is(input, textarea):focus")) continue;
    try {
      if ((await state()) !== first) {
        location.reload();
        return;
      }
    } catch {
      // The line is down: the next round asks again.
    }
  }
}

watch().catch(() => {});
