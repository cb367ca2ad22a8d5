// Native dialogs. Esc and "not now" mean keep waiting; they never decide anything.

/** Open a dialog and put the focus on its heading, so that the consequence is read before a choice is made. */
export function openDialog(dialog) {
  if (dialog.open) return;
  dialog.showModal();
  dialog.querySelector("h2")?.focus();
}

export function startDialogs() {
  document.addEventListener("click", (event) => {
    if (!(event.target instanceof Element)) return;
    const opener = event.target.closest("[data-opens]");
    if (opener && opener.getAttribute("aria-disabled") !== "true") {
      const dialog = document.getElementById(opener.dataset.opens);
      if (dialog instanceof HTMLDialogElement) {
        event.preventDefault();
        openDialog(dialog);
      }
      return;
    }
    const closer = event.target.closest("[data-closes]");
    const dialog = closer?.closest("dialog");
    if (dialog?.open) {
      event.preventDefault();
      dialog.close();
    }
  });
  // A link that names a dialog (an alert, a refused form) opens it on arrival.
  const named = location.hash ? document.getElementById(location.hash.slice(1)) : null;
  if (named instanceof HTMLDialogElement) openDialog(named);
}
