"""Draw the pictures of the README from a demonstration centre started for this, while its story is played.

``make screenshots`` (or ``python tools/screenshots.py [FOLDER]``): docs/images/*.png, desktop and phone, Chinese; the
two that the English README shows are drawn in English as well. Nothing is edited afterwards.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

ROOT: Final = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from playwright.sync_api import Browser, Page, sync_playwright  # noqa: E402

from sandbox.story import StoryOptions, begin, leave, stages  # noqa: E402
from sandbox.story_centre import started_centre  # noqa: E402
from sandbox.story_review import seated  # noqa: E402
from tests.support import chromium  # noqa: E402

DESKTOP: Final = {"width": 1280, "height": 860}
PHONE: Final = {"width": 390, "height": 844}
MEMBER: Final = "a member of the committee"
LIVE: Final = ("/rooms/{lot}", "/rooms/{lot}/host", "/rooms/{lot}/seat")
"""Pages that are drawn once their socket is there."""


@dataclass(frozen=True, slots=True)
class Picture:
    """Taken before ``stage``, as ``login`` ("" for the public), of ``path`` (``{lot}`` is the id of the lot).

    ``MEMBER`` stands for an expert that the story's draw has seated.
    """

    name: str
    stage: str
    login: str
    path: str
    is_phone: bool = False
    language: str = "zh-Hans"


PICTURES: Final = (
    Picture("home", "verify", "", "/"),
    Picture("home-en", "verify", "", "/", language="en"),
    Picture("demo", "sign_in", "", "/demo"),
    Picture("preparation", "publish", "agency", "/lots/{lot}/preparation"),
    Picture("lot", "seal", "", "/lots/{lot}"),
    Picture("deposit", "seal", "bidder1", "/lots/{lot}/deposit"),
    Picture("seal", "seal", "bidder1", "/lots/{lot}/bid/seal"),
    Picture("receipt", "check_in", "bidder1", "/lots/{lot}/bid/receipt"),
    Picture("host-desk", "gate", "agency", "/rooms/{lot}/host"),
    Picture("seat-390", "confirm", "bidder2", "/rooms/{lot}/seat", is_phone=True),
    Picture("seat-390-en", "confirm", "bidder2", "/rooms/{lot}/seat", is_phone=True, language="en"),
    Picture("gallery", "confirm", "", "/rooms/{lot}"),
    Picture("gallery-en", "confirm", "", "/rooms/{lot}", language="en"),
    Picture("duty", "release", "centre", "/rooms/duty"),
    Picture("attendance", "confirm", "agency", "/rooms/{lot}/attendance"),
    Picture("replay", "committee", "", "/rooms/{lot}/replay"),
    Picture("practice-390-en", "committee", "", "/practice", is_phone=True, language="en"),
    Picture("alerts", "committee", "supervisor", "/oversight/alerts?lot={lot}"),
    Picture("committee-draw", "review", "", "/lots/{lot}/committee/draw"),
    Picture("score-sheet", "review", MEMBER, "/reviews/{lot}"),
    Picture("score-sheet-390-en", "review", MEMBER, "/reviews/{lot}", is_phone=True, language="en"),
    Picture("candidates", "award", "", "/lots/{lot}/candidates"),
    Picture("candidates-390-en", "award", "", "/lots/{lot}/candidates", is_phone=True, language="en"),
    Picture("my-result", "award", "bidder2", "/lots/{lot}/my-result"),
    Picture("refunded", "check", "bidder2", "/lots/{lot}/deposit"),
    Picture("ledger", "check", "centre", "/finance/deposits/ledger"),
    Picture("statistics", "check", "", "/statistics"),
    Picture("log", "check", "", "/log"),
    Picture("trace", "check", "bidder1", "/lots/{lot}/bid/trace"),
    Picture("verify", "check", "", "/verify"),
)


class Camera:
    """A fresh browser context a picture, so that no sign-in leaks into the next."""

    def __init__(self, browser: Browser, url: str, folder: Path) -> None:
        self.browser, self.url, self.folder = browser, url, folder
        self.port = urlsplit(url).port

    def take(self, picture: Picture, login: str, lot_id: str) -> None:
        size: Any = PHONE if picture.is_phone else DESKTOP
        context = self.browser.new_context(
            viewport=size,
            device_scale_factor=2 if picture.is_phone else 1,
            locale="en-GB" if picture.language == "en" else "zh-CN",
            base_url=self.url,
        )
        page = context.new_page()
        if login:
            page.goto(f"/demo?as={login}")
            page.locator(f'form[action="/demo/sign-in-as/{login}"] button').click()
        self._shoot(page, picture, lot_id)
        context.close()

    def _shoot(self, page: Page, picture: Picture, lot_id: str) -> None:
        mark = "&" if "?" in picture.path else "?"
        answer = page.goto(f"{picture.path.format(lot=lot_id)}{mark}lang={picture.language}")
        if answer is None or not answer.ok:
            raise SystemExit(f"{picture.name}: {answer.status if answer else 'no answer'}")
        if picture.path in LIVE:
            page.locator("[data-line] .st-ok").first.wait_for(timeout=30_000)
        page.wait_for_timeout(1000)  # clocks and scripts have settled
        target = self.folder / f"{picture.name}.png"
        page.screenshot(path=target)
        print(f"{target.relative_to(ROOT) if target.is_relative_to(ROOT) else target} {target.stat().st_size:,} bytes")


def draw(folder: Path, say: Callable[[str], None]) -> None:
    """Play the story and take every picture at its moment."""
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="centre-pictures-") as scratch,
        started_centre(Path(scratch), say) as centre,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium.path(), args=list(chromium.FLAGS))
        camera = Camera(browser, centre.url, folder)
        story = begin(StoryOptions(centre.url), Path(scratch) / "story", say)
        try:
            for name, stage in stages():
                for picture in PICTURES:
                    if picture.stage == name:
                        login = seated(story)[0].login if picture.login == MEMBER else picture.login
                        camera.take(picture, login, story.lot_id)
                stage(story)
        finally:
            leave(story)
            browser.close()


def main() -> None:
    draw(Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else ROOT / "docs" / "images", print)


if __name__ == "__main__":
    main()
