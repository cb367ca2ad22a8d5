"""Tendering's part of the web application."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from flask import Flask

# Appending an event writes the jobs of its consumers, so a process that appends has to know them.
import tendering.tasks  # noqa: F401
from foundation.errors import Objection
from foundation.i18n import UnknownSentence, sentence
from tendering import lot_life, nav, worklist
from tendering.queries.preparation import OrderCard
from tendering.rulebook import RULEBOOKS
from tendering.views import (
    bids,
    clients,
    holders,
    opening_keys,
    projects,
    public,
    publication,
    questions,
    rehearsals,
    self_check,
    traces,
)

OTHER_SOURCES: Final = {"R1.04": "EB20 13", "R1.10": "EB20 27", "R3.05": "REG 44"}
"""Rules without a value, which stand in no rulebook (docs/reference/rules.md)."""


def register(app: Flask) -> None:
    """Blueprints and navigation. The root calls this once."""
    for views in (
        public,
        projects,
        publication,
        holders,
        questions,
        bids,
        clients,
        opening_keys,
        rehearsals,
        self_check,
        traces,
    ):
        app.register_blueprint(views.bp)
    nav.register(app.extensions["nav"])
    app.extensions["worklist"].add(worklist.work)
    app.extensions["worklist"].add_lots(worklist.lots)
    app.extensions["lot_life"].add_stages(lot_life.stages, order=0)
    app.extensions["lot_life"].add_links(lot_life.links)
    app.extensions["rule_sources"].update(rule_sources())
    app.jinja_env.globals.update(objection_text=objection_text, fault_text=fault_text)


def rule_sources() -> dict[str, str]:
    """Each rule of the rulebooks and the law it rests on; of several laws the first."""
    found: dict[str, str] = {}
    for book in RULEBOOKS.values():
        for rule in book.rules.values():
            found.setdefault(rule.id, rule.source)
    return OTHER_SOURCES | found


def objection_text(one: Objection) -> str:
    """An objection shown inside a page, in the reader's language; a code without a sentence shows itself."""
    return _sentence(one.code, one.params)


def fault_text(order: OrderCard) -> str:
    """Why ordered papers failed."""
    return _sentence(order.fault_code, order.fault_fields)


def _sentence(code: str, params: Mapping[str, object]) -> str:
    try:
        return sentence("errors", code, params)
    except UnknownSentence:
        return code
