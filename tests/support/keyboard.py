"""Going through a page by keys alone: Tab to a place, look whether the focus can be seen, press Enter."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Locator, Page

MOST_STOPS = 150
FOCUSED = """() => {
  const one = document.activeElement;
  if (!one || one === document.body) return null;
  const box = one.getBoundingClientRect(), style = getComputedStyle(one);
  const x = Math.min(Math.max(box.left + box.width / 2, 1), innerWidth - 1);
  const y = Math.min(Math.max(box.top + box.height / 2, 1), innerHeight - 1);
  const above = document.elementFromPoint(x, y);
  const drawn = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
  const word = (one.innerText || one.name || one.id || one.className).trim().slice(0, 40);
  const isOwn = above && (one.contains(above) || above.contains(one) || above.closest('label')?.control === one);
  return {name: `${one.tagName.toLowerCase()} ${word}`,
          isOnScreen: box.bottom > 0 && box.top < innerHeight && box.width > 0 && box.height > 0,
          isCovered: !isOwn, isDrawn: drawn};
}"""


def focused(page: Page) -> dict[str, Any] | None:
    """What holds the focus, and whether a reader sees that; None for nothing in the page."""
    found: dict[str, Any] | None = page.evaluate(FOCUSED)
    return found


def unseen_stops(page: Page) -> tuple[int, list[str]]:
    """Tab once through the page: how many stops there are, and those where the focus is not to be seen."""
    wrong, count, seen = [], 0, set()
    page.evaluate("document.activeElement.blur()")
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        one = focused(page)
        if one is None:
            break
        mark = page.evaluate("(document.activeElement.dataset.stop ??= String(Math.random()))")
        if mark in seen:
            break
        seen.add(mark)
        count += 1
        faults = [word for key, word in (("isOnScreen", "off screen"), ("isDrawn", "no outline")) if not one[key]]
        if one["isOnScreen"] and one["isCovered"]:
            faults.append("covered")
        wrong += [f"{one['name']}: {', '.join(faults)}"] if faults else []
    return count, wrong


def tab_to(place: Locator) -> None:
    """Press Tab until ``place`` has the focus. Fails when the keys never reach it."""
    page = place.page
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        if place.evaluate("one => one === document.activeElement"):
            return
    raise AssertionError(f"Tab never reaches {place}")


def press(place: Locator, key: str = "Enter") -> None:
    """Tab to ``place`` and press a key there."""
    tab_to(place)
    place.page.keyboard.press(key)


def write(place: Locator, text: str) -> None:
    """Tab to a field and type into it, over what is there."""
    tab_to(place)
    place.page.keyboard.press("ControlOrMeta+a")
    place.page.keyboard.type(text)
