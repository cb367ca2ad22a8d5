"""Fonts come from ``static/vendor/fonts``; the vendor step runs before the tests."""

import pytest

from foundation.documents.fonts import FONT_DIR, REQUIRED_FILES


@pytest.fixture(scope="session", autouse=True)
def vendored_fonts():
    missing = [name for name in REQUIRED_FILES if not (FONT_DIR / name).is_file()]
    if missing:
        pytest.fail(f"{', '.join(missing)} not in {FONT_DIR}: run `python tools/vendor.py` first", pytrace=False)
    return FONT_DIR
