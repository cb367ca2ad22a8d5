"""What the papers say: rows become plain Chinese text."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from accounts import facade as accounts
from bid_opening import facade as bid_opening
from evaluation.models import CommitteeSeat, EvaluationCase, RankedBid
from evaluation.services import cases, committee, review, sheets
from evaluation.services.papers import AWARD, CANDIDATES, CONTRACT, LOSER, NOTICES, REPORT, Sheet
from evaluation.states import SeatState
from foundation.documents.forms import evaluation as forms
from foundation.i18n import ZH, Lang, instant, sentence, term
from foundation.money import Money
from foundation.settings import Settings
from foundation.store.unit import Unit
from tendering import facade as tendering
from tendering.methods import METHODS
from tendering.models import Lot, Project

CENTRE: Final = "武进区公共资源交易中心"
MEDIA: Final = "江苏省公共资源交易网、常州市公共资源交易网、本平台"


def gather(unit: Unit, lot_id: str, what: str, settings: Settings) -> list[Sheet]:
    """The papers of one order. The instant of a paper is that of the step it tells of, so its bytes repeat."""
    case = cases.case_of(unit, lot_id)
    maker = _Maker(unit, case, settings)
    if what == REPORT:
        return [maker.report()]
    if what == CANDIDATES:
        return [maker.candidates()]
    if what == NOTICES:
        return maker.notices()
    raise ValueError(what)


def steps_of(case: EvaluationCase, lang: Lang | None = None) -> list[str]:
    """The calculation in words, in the reader's language or in ``lang``."""
    steps = (case.result or {}).get("steps", [])
    return [sentence("terms", f"score_step.{code}", params, lang) for code, params in steps]


def rejection_text(row: RankedBid, lang: Lang | None = None) -> str:
    """Reason and clause of a rejection; the platform's own reasons are codes. "" for a valid bid."""
    if row.is_valid or not row.clause:
        return ""
    if row.reason in {"not_opened", "above_ceiling"}:
        return term(f"rejection.{row.reason}", lang)
    return term("rejection.by_committee", lang, reason=row.reason, clause=row.clause)


def member_labels(seats: Sequence[CommitteeSeat]) -> dict[str, str]:
    """Seat id → number, in the order of the blinded ids: it tells nothing of who is who."""
    ordered = sorted(seats, key=lambda seat: seat.blinded)
    return {seat.id: term("committee_member", ZH, number=number) for number, seat in enumerate(ordered, 1)}


class _Maker:
    """Fills the forms of one case."""

    def __init__(self, unit: Unit, case: EvaluationCase, settings: Settings) -> None:
        self.unit, self.case, self.settings = unit, case, settings
        self.card = tendering.lot_card(unit, case.id)
        self.rows = review.ranked_rows(unit, case.id)

    def _head(self, suffix: str) -> dict[str, Any]:
        return {
            "document_number": f"{self.card.lot_code}-{suffix}",
            "centre": CENTRE,
            "demo": self.settings.demo,
            "project_name": self.card.project_name,
            "lot_name": self.card.name,
            "lot_code": self.card.lot_code,
            "tenderee": self.card.tenderee_name,
            "tender_agency": self.card.agency_name,
        }

    def _ranked(self) -> tuple[forms.RankedRow, ...]:
        return tuple(
            forms.RankedRow(
                rank=str(row.rank or ""),
                seat=f"{row.seat:02d}",
                name=row.name,
                price=_money(row.price),
                technical=_points(row, row.technical),
                price_points=_points(row, row.price_points),
                total=_points(row, row.total),
                remark=rejection_text(row, ZH),
            )
            for row in self.rows
        )

    def report(self) -> Sheet:
        opened = bid_opening.result_of(self.unit, self.case.id)
        data = forms.EvaluationReportData(
            **self._head("PB"),
            media=MEDIA,
            opened_at=_full(opened.closed_at),
            opening_record_sha256=opened.record_sha256,
            method=_method(self.card.method_id, (self.case.rubric or {}).get("id", "")),
            ceiling_price=_money(self.card.ceiling if self.card.ceiling.fen else None),
            benchmark=_grouped((self.case.result or {}).get("benchmark", "")),
            started_at=_full(self.case.started_at),
            locked_at=_full(self.case.locked_at),
            rows=self._ranked(),
            steps=tuple(steps_of(self.case, ZH)),
            marks=self._marks(),
            changes=self._changes(),
            members=self._members(),
        )
        return self._sheet(REPORT, "", partial(forms.render_evaluation_report, data), self.case.reported_at)

    def _marks(self) -> tuple[forms.MarkRow, ...]:
        labels = member_labels(committee.seats_of(self.unit, self.case.id, SeatState.ACCEPTED))
        seats = {row.code: f"{row.seat:02d}" for row in self.rows if row.code}
        found = []
        for cell in sheets.cells_of(self.unit, self.case.id):
            said = (
                f"{cell.points.normalize():f}"
                if cell.points is not None
                else term(f"verdict.{cell.verdict or 'pass'}", ZH)
            )
            ground = "；".join(part for part in (cell.clause, cell.reason) if part)
            if cell.points is not None or ground:
                item = term(f"rubric_item.{cell.item}", ZH)
                found.append((labels[cell.member], seats[cell.code], item, said, ground))
        return tuple(forms.MarkRow(member=m, seat=s, item=i, said=said, ground=g) for m, s, i, said, g in sorted(found))

    def _changes(self) -> tuple[str, ...]:
        gone = [
            seat
            for seat in committee.seats_of(self.unit, self.case.id)
            if seat.state not in {SeatState.ACCEPTED, SeatState.INVITED}
        ]
        return tuple(
            term(
                "committee_change",
                ZH,
                blinded=seat.blinded[:12],
                ground=term(f"seat_state.{seat.state}", ZH),
                at=_full(seat.answered_at),
            )
            for seat in gone
        )

    def _members(self) -> tuple[forms.MemberRow, ...]:
        seats = committee.seats_of(self.unit, self.case.id, SeatState.ACCEPTED)
        labels = member_labels(seats)
        return tuple(
            forms.MemberRow(
                member=labels[seat.id],
                blinded=seat.blinded,
                signed_at=term("signed_by_silence", ZH) if seat.is_silent else _full(seat.signed_at),
                dissent=seat.dissent,
            )
            for seat in sorted(seats, key=lambda seat: seat.blinded)
        )

    def candidates(self) -> Sheet:
        data = forms.CandidateNoticeData(
            **self._head("GS"),
            benchmark=_grouped((self.case.result or {}).get("benchmark", "")),
            candidates=tuple(
                forms.CandidateRow(
                    rank=str(row.rank),
                    name=row.name,
                    price=_money(row.price),
                    total=str(row.total),
                    duration_days=str(row.duration_days or ""),
                    quality=row.quality,
                    project_manager=row.project_manager,
                )
                for row in self.rows
                if row.is_candidate
            ),
            rows=self._ranked(),
            published_at=_full(self.case.published_at),
            until=_last_moment(self.case.publicity_until),
            objection_url=f"{self.settings.web_origin}/lots/{self.case.id}/candidates",
        )
        return self._sheet(CANDIDATES, "", partial(forms.render_candidate_notice, data), self.case.published_at)

    def notices(self) -> list[Sheet]:
        winner = next(row for row in self.rows if row.bid == self.case.awardee_bid)
        found = [self._award(winner), self._contract(winner)]
        return found + [self._loser(row, winner) for row in self.rows if row is not winner]

    def _award(self, winner: RankedBid) -> Sheet:
        data = forms.AwardNoticeData(
            **self._head("ZB"),
            awardee=winner.name,
            **_terms(winner),
            contract_until=_last_moment(self.case.contract_until),
            decided_on=_date(self.case.awarded_at),
        )
        return self._sheet(AWARD, winner.org_id, partial(forms.render_award_notice, data), self.case.awarded_at)

    def _loser(self, row: RankedBid, winner: RankedBid) -> Sheet:
        data = forms.LoserNoticeData(
            **self._head(f"JG{row.seat:02d}"),
            bidder=row.name,
            price=_money(row.price),
            technical=_points(row, row.technical),
            price_points=_points(row, row.price_points),
            total=_points(row, row.total),
            rank=str(row.rank or ""),
            rejection=rejection_text(row, ZH),
            awardee=winner.name,
            amount=_money(winner.price),
            decided_on=_date(self.case.awarded_at),
        )
        return self._sheet(LOSER, row.org_id, partial(forms.render_loser_notice, data), self.case.awarded_at)

    def _contract(self, winner: RankedBid) -> Sheet:
        lot = self.unit.session.get_one(Lot, self.case.id)
        project = self.unit.session.get_one(Project, lot.project_id)
        data = forms.ContractData(
            **self._head("HT"),
            deal_code=self.card.unified_deal_code,
            location=project.location,
            scope=lot.scope,
            awardee=winner.name,
            awardee_uscc=accounts.organisation(self.unit, winner.org_id).uscc,
            **_terms(winner),
            award_decided_on=_date(self.case.awarded_at),
            sign_until=_last_moment(self.case.contract_until),
        )
        return self._sheet(CONTRACT, "", partial(forms.render_contract, data), self.case.awarded_at)

    def _sheet(self, kind: str, org_id: str, render: partial[bytes], at: datetime | None) -> Sheet:
        if at is None:
            raise AssertionError(f"{kind} tells of a step that has its instant")
        return Sheet(kind, org_id, lambda font_dirs: render(at=at, font_dirs=font_dirs))


def _terms(row: RankedBid) -> dict[str, Any]:
    return {
        "amount": _money(row.price),
        "amount_words": row.price.in_words() if row.price is not None else "",
        "duration_days": str(row.duration_days or ""),
        "quality": row.quality,
        "project_manager": row.project_manager,
    }


def _method(method_id: str, rubric_id: str) -> str:
    spec = METHODS.get(method_id)
    kind = term(f"rubric.{rubric_id}", ZH) if rubric_id else ""
    return f"{kind}，{spec.zh}（{spec.formula}）" if spec else kind


def _money(amount: Money | None) -> str:
    return amount.grouped() if amount is not None else ""


def _grouped(text: str) -> str:
    return Money.yuan(text).grouped() if text else ""


def _points(row: RankedBid, value: object) -> str:
    return str(value) if row.is_valid and value is not None else ""


def _full(at: datetime | None) -> str:
    return instant(at, "full", ZH) if at is not None else ""


def _date(at: datetime | None) -> str:
    return instant(at, "date", ZH) if at is not None else ""


def _last_moment(until: datetime | None) -> str:
    """A period that ends at 24:00 is shown by its last day."""
    return f"{_date(until - timedelta(microseconds=1))} 24:00" if until is not None else ""
