"""Every table of the project, for the engine and the migrations."""

from __future__ import annotations

import accounts.models
import accounts.notices.models
import bid_opening.identity_models
import bid_opening.models
import bid_opening.notice_models
import bid_opening.presence
import bid_opening.talk_models
import centre.drills.models
import credit.models
import deposits.models
import evaluation.models
import foundation.jobs.models
import foundation.journal.models
import foundation.publication.models
import keyholding.models
import oversight.models
import tendering.models
import tendering.readiness_models
from centre import democlock

__all__ = [
    "accounts",
    "bid_opening",
    "centre",
    "credit",
    "democlock",
    "deposits",
    "evaluation",
    "foundation",
    "keyholding",
    "oversight",
    "tendering",
]
