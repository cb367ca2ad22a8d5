"""PDF papers: ordered in a Unit, made by a job outside any Unit, then told. The same rows give the same bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from evaluation.models import EvaluationPaper
from evaluation.services import cases
from foundation.documents.fonts import FONT_DIR
from foundation.events import evaluation as e
from foundation.runtime import Runtime
from foundation.store.unit import Unit

TASK: Final = "evaluation.issue_papers"
REPORT, CANDIDATES, AWARD, LOSER, CONTRACT = "report", "candidates", "award", "loser", "contract"
NOTICES: Final = "notices"
"""One order that brings the award notice, a notice to every other bidder, and the contract paper."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A paper ready to be rendered. ``org_id``: whose it is, "" for one that is not a single bidder's."""

    kind: str
    org_id: str
    render: Callable[[Sequence[Path]], bytes]


def order(unit: Unit, lot_id: str, what: str) -> None:
    """Ask for a paper, or for all of NOTICES."""
    unit.enqueue(TASK, f"{lot_id}:{what}", {"lot": lot_id, "what": what})


def paper(unit: Unit, lot_id: str, kind: str, org_id: str = "") -> EvaluationPaper | None:
    """An issued paper; None while it is being made."""
    return unit.session.get(EvaluationPaper, (lot_id, kind, org_id))


def object_name(lot_id: str, kind: str, org_id: str) -> str:
    return f"evaluations/{lot_id}/{kind}{'-' + org_id if org_id else ''}.pdf"


def issue(runtime: Runtime, lot_id: str, what: str) -> None:
    """Make what was ordered. Killed anywhere, it runs again and issues each paper once."""
    from evaluation.services import paper_texts

    with runtime.units.read(cases.PLATFORM) as unit:
        sheets = paper_texts.gather(unit, lot_id, what, runtime.settings)
        missing = [sheet for sheet in sheets if paper(unit, lot_id, sheet.kind, sheet.org_id) is None]
    extra = (runtime.settings.rare_fonts_dir,) if runtime.settings.rare_fonts_dir else ()
    for sheet in missing:
        content = sheet.render((FONT_DIR, *extra))
        name = object_name(lot_id, sheet.kind, sheet.org_id)
        runtime.objects.put_once(name, content)
        with runtime.units.begin(cases.PLATFORM) as unit:
            _tell(unit, lot_id, sheet, name, content)


def _tell(unit: Unit, lot_id: str, sheet: Sheet, name: str, content: bytes) -> None:
    cases.locked(unit, lot_id)
    if paper(unit, lot_id, sheet.kind, sheet.org_id) is not None:
        return
    digest = hashlib.sha256(content).hexdigest()
    unit.session.add(
        EvaluationPaper(
            lot_id=lot_id,
            kind=sheet.kind,
            org_id=sheet.org_id,
            object_name=name,
            sha256=digest,
            size_bytes=len(content),
            issued_at=unit.at,
        )
    )
    unit.session.flush()
    told = e.PaperIssued(lot_id, sheet.kind, sheet.org_id, digest, len(content))
    unit.append(cases.private_stream(lot_id), told)
    if sheet.kind in {AWARD, LOSER}:
        from accounts import facade as accounts

        accounts.add_to_inbox(unit, sheet.org_id, f"inbox.{sheet.kind}_notice", {}, f"/lots/{lot_id}/my-result")
