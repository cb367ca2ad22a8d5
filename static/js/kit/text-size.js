// The large-text switch works as a link; here it acts at once and keeps what is on the page.

export function startTextSwitch() {
  for (const link of document.querySelectorAll("[data-text-switch]")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      const root = document.documentElement;
      const large = root.dataset.text !== "large";
      if (large) root.dataset.text = "large";
      else delete root.dataset.text;
      document.cookie = `text=${large ? "large" : "normal"}; path=/; max-age=31536000; samesite=lax`;
      const english = root.lang === "en";
      link.textContent = large ? (english ? "Normal text" : "标准字") : english ? "Large text" : "大字";
    });
  }
}
