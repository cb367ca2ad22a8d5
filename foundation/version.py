"""The version of this product, as commands and logged releases state it."""

from __future__ import annotations

from typing import Final

VERSION: Final = "0.1.0"
