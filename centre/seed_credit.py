"""Two records of the past, so that pages of standing show what they are for: one that is over, one of a contract kept.

Imported like the past deals. Neither stops anybody from anything, on any day of the demonstration.
"""

from __future__ import annotations

from typing import Final

from accounts import facade as accounts
from centre.seed_people import SEEDER, user_of
from credit.acts import Act
from credit.record_services import NewRecord, import_record
from credit.rules import months_later
from foundation.runtime import Runtime
from foundation.working_days import civil_date, start_of_day
from sandbox import cast

RECORDS: Final = (
    (cast.BIDDERS[4], Act.BOND_NOT_GIVEN, 26, 12, "武住建信 18 号", "中标后逾期十二日提交履约保证金。"),
    (cast.BIDDERS[2], Act.CONTRACT_PERFORMED, 7, 36, "武住建信 5 号", "合同按期完工，竣工验收合格。"),
)
"""(whose, act, began so many months ago, counted so many, number, facts)."""


def seed_credit(runtime: Runtime) -> None:
    """Take both over; doing it again changes nothing."""
    with runtime.units.begin(SEEDER) as unit:
        for bidder, act, began, months, number, facts in RECORDS:
            user = user_of(unit, bidder.login)
            if user is None:
                raise LookupError(bidder.login)
            firm = accounts.organisation(unit, user.org_id)
            begins = start_of_day(civil_date(months_later(unit.at, -began)))
            new = NewRecord(
                uscc=firm.uscc,
                name=firm.name,
                act=act,
                authority=cast.REGULATOR.zh,
                decision_no=number,
                clause="",
                facts=facts,
                lot_code="",
                effective_at=begins,
                months=months,
                document_reference=number,
            )
            import_record(unit, new, begins)
