from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, StringConstraints

from credit.services import NewBan
from foundation.web.fields import BeijingInstant, Line, Prose


class BanForm(BaseModel):
    """A decision as it stands on paper; ``starts_at`` and ``ends_at`` in Beijing time."""

    uscc: Line
    name: Line
    authority: Line
    decision_no: Line
    clause: Line
    starts_at: BeijingInstant
    ends_at: BeijingInstant
    document_reference: Annotated[Prose, StringConstraints(max_length=500)]

    def command(self) -> NewBan:
        return NewBan(**self.model_dump())


class AnnulForm(BaseModel):
    ground: Annotated[Prose, StringConstraints(max_length=1000)]
