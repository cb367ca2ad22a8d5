"""Damaged bundles: none passes, none makes the verifier fall over, each gives a named error."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from centre.bundles.archive import prepare
from centre.bundles.gather import Tier
from foundation.sealing import S1, S2
from foundation.verifier import verify_path
from foundation.verifier.suites import Suite2
from tests.conftest import SOAK
from tests.support_bundle import Files, bundled_opening, codes_of, files_of, policy_of, verified
from tests.support_mutations import Dice, mutated

COUNT = 10_000 if SOAK else 200
ZIP_COUNT = 1_000 if SOAK else 40


@pytest.fixture(scope="module", params=[S1, S2], ids=lambda suite: suite.name)
def made(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[tuple[dict[Tier, Files], bytes, bytes]]:
    """Both bundles of one opening, the policy, and the public one as a zip."""
    with bundled_opening(tmp_path_factory.mktemp("bundle"), suite=request.param) as (opening, _):
        opening.to_closed()
        assert opening.run_jobs() == []
        opening.publish()
        bundle = prepare(opening.world.runtime, opening.lot.id, Tier.PUBLIC)
        raw = b"".join(bundle.zip_bytes())
        bundle.close()
        yield {tier: files_of(opening, tier) for tier in Tier}, policy_of(opening), raw


@pytest.fixture
def remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same wrap under the same key, and the same signature, are worked out once: most damage leaves them alone."""
    for name in ("unwrap", "signature_holds", "point_of"):
        monkeypatch.setattr(Suite2, name, cache(getattr(Suite2, name)))


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.usefixtures("remembered")
def test_no_damaged_bundle_passes_and_none_brings_the_verifier_down(
    made: tuple[dict[Tier, Files], bytes, bytes],
) -> None:
    bundles, policy, _ = made
    for tier in Tier:
        assert verified(bundles[tier], policy).verdict == "verified"
    passed = []
    for seed in range(COUNT):
        what, files = mutated(bundles[Tier.REGULATOR if seed % 3 == 0 else Tier.PUBLIC], seed)
        report = verified(files, policy)
        if report.verdict != "failed" or not codes_of(report):
            passed.append(what)
    assert passed == []


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.usefixtures("remembered")
def test_every_bit_of_the_zip_means_something(made: tuple[dict[Tier, Files], bytes, bytes], tmp_path: Path) -> None:
    _, policy, raw = made
    path = tmp_path / "bundle.zip"
    path.write_bytes(raw)
    assert verify_path(path, policy=policy).verdict == "verified"
    head, tail = 600, len(raw) - 3_000
    for seed in range(ZIP_COUNT):
        dice = Dice(seed)
        at = (dice.below(head), tail + dice.below(len(raw) - tail), dice.below(len(raw)))[seed % 3]
        damaged = bytearray(raw)
        damaged[at] ^= 1 << dice.below(8)
        path.write_bytes(damaged)
        assert verify_path(path, policy=policy).verdict == "failed", at
    for size in (0, 10, 21, 22, 100, len(raw) // 2, len(raw) - 1):
        path.write_bytes(raw[:size])
        assert codes_of(verify_path(path, policy=policy)) == {"files.zip"}, size
    path.write_bytes(raw + b"\0")
    assert codes_of(verify_path(path, policy=policy)) == {"files.zip"}
