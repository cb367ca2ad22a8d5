"""The demonstration's two records of the past: shown where they belong, in nobody's way."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from accounts.facade import organisations_in_role
from centre.seed_credit import seed_credit
from credit.facade import Level, bans_in_force, records_of, standing_of
from credit.standing_queries import own_page
from sandbox import cast
from tests.support.tender_world import make_world


def test_one_record_is_over_one_is_kept_and_nobody_is_stopped(tmp_path: Path) -> None:
    world = make_world(tmp_path)
    actors = [world.organisation(one.company.zh, "bidder", login=one.login) for one in cast.BIDDERS]
    seed_credit(world.runtime)
    world.clock.step(timedelta(days=1))
    seed_credit(world.runtime)  # a day later the dates would be others: whoever seeds again is not told twice
    with world.units.read() as unit:
        at = unit.at
        firms = organisations_in_role(unit, "bidder")
        assert {standing_of(unit, firm.id, at).level for firm in firms} == {Level.GOOD}
        assert not any(bans_in_force(unit, firm.id, at) for firm in firms)
        shown = [line.act for firm in firms for line in records_of(unit, firm.id, at)]
    assert shown == ["contract_performed"]
    with world.units.read(actors[4]) as unit:
        assert [(one.line.act, one.line.phase) for one in own_page(unit).records] == [("bond_not_given", "over")]
