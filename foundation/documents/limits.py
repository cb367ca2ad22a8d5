"""Limits of the PDF reader, in one place. Sizes in bytes, times in seconds."""

from __future__ import annotations

MAX_FILE_BYTES = 200 * 1024 * 1024
MAX_MEMORY_BYTES = 768 * 1024 * 1024
"""Address space of the child beyond the file itself (libraries alone take about 300 MiB of it)."""
MAX_OUTPUT_BYTES = 64 * 1024 * 1024
MAX_PAGES = 5_000
MAX_TEXT_PER_PAGE = 20_000
MAX_TEXT = 8_000_000
MAX_METADATA_CHARACTERS = 500
MAX_TABLE_PAGES = 100
PICTURE_TEXT = 50
"""A page with a picture and fewer characters than this says nothing that can be compared."""
MAX_CELLS = 100_000
MAX_CELL_CHARACTERS = 2_000
FACTS_SECONDS = 10
TABLES_SECONDS = 60
START_SECONDS = 5
"""Added to the wall-clock limit for starting the interpreter on a busy machine."""

EXIT_OK = 0
EXIT_NAMED = 10
"""The child wrote {"outcome": …} itself; any other code means that it died."""
