"""A real opening, bundled and verified; and what the bundle holds back."""

from __future__ import annotations

from pathlib import Path

import pytest

from centre.bundles.gather import Tier
from tests.support_bundle import bundled_opening, files_of, findings, policy_of, statuses, verified


def test_a_real_opening_verifies_in_both_tiers(tmp_path: Path) -> None:
    with bundled_opening(tmp_path) as (opening, _):
        opening.to_closed()
        assert opening.run_jobs() == []
        opening.publish()
        for tier in Tier:
            files = files_of(opening, tier)
            report = verified(files, policy_of(opening))
            assert findings(report) == []
            print(sorted(files), statuses(report))
            assert report.verdict == "verified"
