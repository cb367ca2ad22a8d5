"""What can go wrong with a document, by name."""

from __future__ import annotations

from foundation.errors import InvalidInput, Unavailable


class MissingGlyphs(InvalidInput):
    """A text holds characters that no font can print; one objection for each field. Never printed as empty boxes."""

    code = "documents.missing_glyphs"


class FontsMissing(Unavailable):
    """The fonts are not where they should be (``folder``): run ``python tools/vendor.py``."""

    code = "documents.fonts_missing"


class UnreadablePdf(InvalidInput):
    """Base of the named outcomes of reading a PDF that somebody sent."""

    code = "documents.unreadable"


class Encrypted(UnreadablePdf):
    """The file asks for a password."""

    code = "documents.encrypted"


class Broken(UnreadablePdf):
    """The file is no PDF, or its structure cannot be followed, or it made the reader crash."""

    code = "documents.broken"


class TooLarge(UnreadablePdf):
    """The file, or what it unfolds into, is beyond a stated limit (``limit`` names which)."""

    code = "documents.too_large"


class TimedOut(UnreadablePdf):
    """Reading did not end within the stated seconds of wall clock or processor."""

    code = "documents.timed_out"


class SignatureFalse(InvalidInput):
    """A paper is not signed as it should be; ``reason``: form, certificate, changed or added (after the signature)."""

    code = "documents.signature_false"
