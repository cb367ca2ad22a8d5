// <form data-keep="name">: what is typed stays in this tab until it is sent. Passwords, files and tokens are never kept.

const SKIP = new Set(["password", "file", "hidden", "submit", "button"]);

function kept(form) {
  return [...form.elements].filter((field) => field.name && !SKIP.has(field.type));
}

function save(form, key) {
  const values = {};
  for (const field of kept(form)) {
    if (field.type === "checkbox" || field.type === "radio") {
      if (field.checked) (values[field.name] ??= []).push(field.value);
      else values[field.name] ??= [];
    } else {
      (values[field.name] ??= []).push(field.value);
    }
  }
  sessionStorage.setItem(key, JSON.stringify(values));
}

function restore(form, key) {
  let values;
  try {
    values = JSON.parse(sessionStorage.getItem(key) ?? "null");
  } catch {
    values = null;
  }
  if (!values) return;
  const taken = {};
  for (const field of kept(form)) {
    const given = values[field.name];
    if (!given) continue;
    if (field.type === "checkbox" || field.type === "radio") {
      field.checked = given.includes(field.value);
    } else {
      const n = (taken[field.name] = (taken[field.name] ?? -1) + 1);
      if (given[n] !== undefined) field.value = given[n];
    }
  }
}

export function startKeeping() {
  // After a refusal the server's own copy of the values is newer than ours.
  const refused = document.getElementById("errors") !== null;
  for (const form of document.querySelectorAll("form[data-keep]")) {
    const key = `keep:${location.pathname}:${form.dataset.keep}`;
    if (!refused) restore(form, key);
    form.addEventListener("input", () => save(form, key));
    form.addEventListener("submit", () => sessionStorage.removeItem(key));
  }
}
