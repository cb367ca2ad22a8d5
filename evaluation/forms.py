"""What the forms of evaluation may say."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from evaluation.services.library import NewExpert
from evaluation.services.sheets import Given
from foundation.web.fields import IdText, Line, Prose

Short = Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000)]
Points = Annotated[Decimal, Field(max_digits=6, decimal_places=2, ge=0, le=100)]


class CommitteeForm(BaseModel):
    """``specialities``: codes of the classification standard, separated by blanks or commas; empty: all."""

    size: int = Field(default=5, ge=1, le=99)
    specialities: Annotated[str, StringConstraints(max_length=200)] = ""

    def codes(self) -> list[str]:
        return [part for part in self.specialities.replace("，", ",").replace(",", " ").upper().split() if part]


class ContributionForm(BaseModel):
    words: Line


class AnswerForm(BaseModel):
    """An expert's answer to an invitation. ``oath`` and ``free`` are the two statements of acceptance."""

    answer: Literal["accept", "decline", "recuse"]
    oath: bool = False
    free: bool = False
    reason: Short = ""


class MarkForm(BaseModel):
    """One cell as it is typed."""

    points: Points | None = None
    verdict: Literal["pass", "fail"] | None = None
    clause: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)] = ""
    reason: Short = ""


class SheetForm(BaseModel):
    """``marks``: code → item → cell. ``act``: save keeps it, submit hands it in."""

    marks: dict[str, dict[str, MarkForm]] = Field(default_factory=dict, max_length=400)
    act: Literal["save", "submit"] = "save"

    def given(self) -> list[Given]:
        return [
            Given(code, item, cell.points, cell.verdict or "", cell.clause, cell.reason)
            for code, row in self.marks.items()
            for item, cell in row.items()
        ]


class SignatureForm(BaseModel):
    """``dissent``: the written reasons of a member that does not agree, empty for agreement."""

    dissent: Short = ""


class TieForm(BaseModel):
    """``order``: bids in the order the tenderee wants, separated by blanks."""

    order: Annotated[str, StringConstraints(max_length=4000)]
    reason: Prose

    def bids(self) -> list[str]:
        return self.order.replace(",", " ").split()


class ObjectionForm(BaseModel):
    text: Prose


class ContractForm(BaseModel):
    """``sha256``: the digest of the paper that was read."""

    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class ExpertForm(BaseModel):
    """``login``: of an account with the role expert."""

    login: Line
    employer: Line
    specialities: Line
    title: Line
    years: int = Field(ge=0, le=80)
    employer_org_id: IdText | None = None

    def new_expert(self, user_id: str) -> NewExpert:
        codes = tuple(self.specialities.replace("，", ",").replace(",", " ").upper().split())
        return NewExpert(user_id, self.employer, codes, self.title, self.years, self.employer_org_id)


class SuspensionForm(BaseModel):
    on: bool
