"""What the seat desk is told."""

from __future__ import annotations

from pydantic import BaseModel

from foundation.web.fields import IdText, Line
from keyholding.states import Side


class Appointment(BaseModel):
    side: Side
    org_id: IdText
    holder_name: Line
    operator: Line
    user_id: IdText | None = None


class Retirement(BaseModel):
    reason: Line
