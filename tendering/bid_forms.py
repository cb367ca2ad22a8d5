"""What a sealing client sends, read strictly."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import BaseModel, Field, StringConstraints

from foundation.sealing.strict import decode_base64
from foundation.web.limits import KIB
from tendering.services import seals

SEAL_BODY: Final = 256 * KIB


class NewKeys(BaseModel):
    """Public keys, 130 hex digits each; ``signing`` may be left out when one is registered already.

    ``public_key``: what the form for keys of the command line calls ``sealing``.
    """

    signing: str = Field(default="", max_length=130)
    sealing: str = Field(default="", max_length=130)
    public_key: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)] = ""
    label: str = Field(default="", max_length=100)


class RetiredKey(BaseModel):
    """The id of a registered key; one that is not registered (any more) asks for nothing."""

    key_id: str = Field(default="", max_length=36)


class NewPart(BaseModel):
    id: str = Field(max_length=40)
    size: int = Field(ge=1, le=1 << 40)
    segments: int = Field(ge=1, le=1 << 20)


class NewUpload(BaseModel):
    parts: list[NewPart] = Field(min_length=1, max_length=16)


class NewSeal(BaseModel):
    """``header`` and ``signature`` in base64, ``manifest`` as the text it is."""

    upload_id: str = Field(max_length=36)
    header: str = Field(max_length=SEAL_BODY)
    manifest: str = Field(max_length=64 * KIB)
    signature: str = Field(max_length=512)

    def command(self, lot_id: str) -> seals.SealCommand:
        return seals.SealCommand(
            lot_id=lot_id,
            upload_id=self.upload_id,
            # What is no base64 is no header either; inspection says so together with everything else.
            header=decode_base64(self.header) or b"",
            manifest=self.manifest.encode(),
            signature=decode_base64(self.signature) or b"",
        )
