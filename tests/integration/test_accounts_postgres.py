"""What only shows where writers really run beside each other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from accounts import facade, queries
from accounts.models import User
from accounts.services import sign_in
from accounts.states import ClaimState, ClaimWay
from foundation.errors import Refusal
from foundation.machine import LostRace
from tests.integration.support_claims import NAME, Town, make_town
from tests.integration.test_accounts_claims import a_key, approve, file_pdf, notice, start


@pytest.fixture
def town(tmp_path: Path, postgres_url: str) -> Iterator[Town]:
    made = make_town(tmp_path, postgres_url)
    yield made
    made.units.engine.dispose()


def together(*acts: Callable[[], object]) -> list[object]:
    """Run all at once; what each returned or the Refusal it met."""
    gate, results = threading.Barrier(len(acts)), [None] * len(acts)  # type: tuple[threading.Barrier, list[object]]

    def run(place: int, act: Callable[[], object]) -> None:
        gate.wait()
        try:
            results[place] = act()
        except Refusal as refusal:
            results[place] = refusal

    threads = [threading.Thread(target=run, args=one) for one in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_two_officers_who_agree_at_the_same_instant_both_count(town: Town) -> None:
    actor, (first, second) = town.organisation(), town.officers()
    for _ in range(5):
        claim = start(town, actor, ClaimWay.DOCUMENTS)
        file_pdf(town, actor)
        results = together(lambda: approve(town, first, claim), lambda: approve(town, second, claim))  # noqa: B023
        assert sorted(map(str, results)) == ["pending", "verified"]
        with town.units.begin(actor) as unit:  # once more from the start
            row = unit.session.merge(town.claim(actor))
            row.state = ClaimState.UNVERIFIED


def test_of_two_proofs_for_one_code_at_the_same_instant_one_holds_it(town: Town) -> None:
    one, other = town.organisation(), town.organisation()
    references = [str(start(town, actor, ClaimWay.TRANSFER).reference) for actor in (one, other)]
    results = together(
        lambda: notice(town, references[0], number="N1"), lambda: notice(town, references[1], number="N2")
    )
    states = sorted(town.claim(actor).state for actor in (one, other))
    assert states.count(ClaimState.VERIFIED) == 1
    assert "verified" in results
    loser = next(result for result in results if result != "verified")
    assert loser == "disputed" or isinstance(loser, LostRace)
    for number, reference in zip(("N1", "N2"), references, strict=True):  # the bank sends again
        notice(town, reference, number=number)
    assert sorted(town.claim(actor).state for actor in (one, other)) == ["disputed", "verified"]


def test_everything_is_stored_and_read_as_on_sqlite(town: Town) -> None:
    actor = town.organisation(NAME)
    with town.units.begin(actor) as unit:
        facade.register_signing_key(unit, str(actor.org_id), a_key(), "电脑")
        assert len(queries.account_page(unit).keys) == 1
        assert unit.session.get_one(User, actor.user_id).name in {
            line.name for line in queries.people(unit, after=("", ""), limit=10, search="p")
        }
        sign_in.change_password(unit, "!")
        assert queries.verification_desk(unit).claims == ()
