// The score sheet by keyboard: arrows move between cells, Enter goes down. Subtotals are added up as one types.
// Without this module the sheet is a plain form that is saved and handed in all the same.

const sheet = document.querySelector("table.sheet");

function cells() {
  return [...sheet.tBodies[0].rows].map((row) => [...row.querySelectorAll("[data-cell]")]);
}

function placeOf(field) {
  const grid = cells();
  const y = grid.findIndex((row) => row.includes(field));
  return y < 0 ? null : { grid, y, x: grid[y].indexOf(field) };
}

function go(field, dx, dy) {
  const place = placeOf(field);
  const target = place?.grid[place.y + dy]?.[place.x + dx];
  if (!target) return false;
  target.focus();
  target.select?.();
  return true;
}

const STEPS = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0], Enter: [0, 1] };

sheet?.addEventListener("keydown", (event) => {
  const field = event.target.closest("[data-cell]");
  const step = STEPS[event.key];
  if (!field || !step || event.altKey || event.ctrlKey || event.metaKey) return;
  // A select needs its own up and down; a number may be edited with left and right until the caret is at its end.
  if (field.tagName === "SELECT" && step[1] !== 0 && event.key !== "Enter") return;
  if (field.tagName === "INPUT" && step[0] !== 0) {
    const at = field.selectionStart;
    const isWhole = field.selectionEnd - at === field.value.length;
    if (!isWhole && at !== (step[0] < 0 ? 0 : field.value.length)) return;
  }
  event.preventDefault();
  go(field, ...step);
});

function half(text) {
  const value = Number(text.trim());
  return text.trim() !== "" && Number.isFinite(value) ? value : null;
}

function addUp() {
  for (const sum of sheet.querySelectorAll("[data-sum]")) {
    const points = [...sheet.querySelectorAll(`input[data-cell="${sum.dataset.sum}"]`)].map((field) => half(field.value));
    sum.textContent = points.reduce((total, one) => total + (one ?? 0), 0).toFixed(1);
    sum.classList.toggle("open", points.includes(null));
  }
}

sheet?.addEventListener("input", addUp);
if (sheet) addUp();
